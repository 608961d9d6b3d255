#![deny(warnings)]

use std::fmt::Debug;

use otel_runtime::{span_attr, span_event, traced_span};

struct Room {
    beds: u32,
}

#[traced_span]
fn struct_literal(beds: u32) -> Room {
    #[span_event("made")]
    Room { beds }
}

#[traced_span]
fn coerced(beds: u32) -> Result<Box<dyn Debug>, String> {
    #[span_event("made")]
    Ok(Box::new(beds))
}

#[traced_span]
fn closure() -> Box<dyn Fn(&str) -> &str> {
    #[span_event("made")]
    Box::new(|text| text)
}

#[traced_span]
fn macros(beds: u32) -> Vec<u32> {
    #[traced_span("check")]
    assert!(beds > 0);
    #[traced_span("shout")]
    #[span_event("shouted")]
    println!("{beds}");
    #[span_event("made")]
    vec! { beds }
}

#[traced_span]
fn assignments() -> i64 {
    let mut sum = 0;
    #[traced_span("add")]
    sum += 1;
    #[traced_span("set")]
    sum = { 1 } - sum;
    #[traced_span("cast")]
    let cast = { sum } as isize;
    #[traced_span("compare")]
    let larger = cast < 9;
    match larger {
        true => #[traced_span("arm")] sum as isize as i64,
        false => 0,
    }
}

#[traced_span]
fn other_attributes() {
    #[allow(unused_variables)]
    #[traced_span("above")]
    {
        let unused = 1;
    }
    #[traced_span("below")]
    #[allow(unused_variables)]
    {
        let unused = 1;
    }
}

#[traced_span]
fn conditions() -> u32 {
    #[cfg(doc)]
    #[span_attr]
    let never = no_such_function();
    #[cfg(doc)]
    #[span_event("never", "never" = never)]
    no_such_function();
    #[cfg(doc)]
    #[traced_span("never")]
    no_such_function();
    #[cfg(doc)]
    #[traced_span("never")]
    (no_such_function());
    #[cfg(not(doc))]
    #[span_attr]
    let always = 1;
    #[cfg(not(doc))]
    #[span_event("always")]
    {
        always
    }
    #[cfg(doc)]
    #[span_event("never")]
    {
        never
    }
}

#[traced_span]
fn let_else(beds: Option<u32>) -> Option<u32> {
    #[traced_span("beds")]
    let Some(beds) = beds else { return Some(0) };
    #[traced_span("outer")]
    'outer: for floor in 0..beds {
        for room in 0..beds {
            if room == floor {
                #[traced_span("leave")]
                break 'outer;
            }
        }
    }
    #[traced_span("one line")]
    { println!("{beds}") }
    Some(beds)
}

fn main() {
    assert_eq!(struct_literal(2).beds, 2);
    assert_eq!(format!("{:?}", coerced(2).unwrap()), "2");
    assert_eq!(closure()("a"), "a");
    assert_eq!(macros(2), [2]);
    assert_eq!(assignments(), 0);
    other_attributes();
    assert_eq!(conditions(), 1);
    assert_eq!(let_else(Some(1)), Some(1));
}
