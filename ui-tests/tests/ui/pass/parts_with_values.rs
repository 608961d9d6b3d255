//! What the parts of a function name is where they can see it, with and without recording.

#![deny(warnings)]

use otel_runtime::{span_attr, traced_span};

#[traced_span]
fn closures(numbers: &[u32]) -> Vec<String> {
    let text = #[traced_span(name = format!("of {number}"))]
    |number: &u32| number.to_string();
    numbers.iter().map(text).collect()
}

#[traced_span]
fn conditions(name: &'static str) -> u32 {
    #[traced_span(name = name)]
    #[cfg(doc)]
    {
        compile_error!("this is not there");
    }
    #[traced_span(name = name)]
    #[expect(unused_variables)]
    {
        let unused = 1;
    }
    #[traced_span(name = name)]
    #[cfg(not(doc))]
    {
        1
    }
}

#[traced_span]
fn set_at_the_end() -> usize {
    let text;
    #[span_attr("length" = text.len())]
    {
        text = "abc";
        text.len()
    }
}

#[traced_span]
fn changed_at_the_end(texts: &mut [String]) -> usize {
    let first = &mut texts[0];
    #[span_attr("count" = texts.len())]
    {
        first.push('!');
        first.len()
    }
}

#[traced_span]
fn in_conditions(numbers: &mut Vec<u32>) -> Option<u32> {
    while let Some(number) = {
        #[traced_span("sort")]
        numbers.sort_unstable();
        numbers.pop()
    } {
        if number < 3 {
            break;
        }
    }
    if let Some(next) = numbers
        .iter()
        .map(#[traced_span("next")]
        |number| number + 1)
        .next()
    {
        numbers.push(next);
    }
    numbers.pop()
}

fn main() {
    assert_eq!(in_conditions(&mut vec![1, 2, 5]), Some(2));
    assert_eq!(closures(&[1, 2]), ["1", "2"]);
    assert_eq!(conditions("part"), 1);
    assert_eq!(set_at_the_end(), 3);
    assert_eq!(changed_at_the_end(&mut ["a".to_owned()]), 2);
}
