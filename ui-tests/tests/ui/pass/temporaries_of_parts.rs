//! What is traced in an expression keeps its temporaries as long as they would live without a span.

#![deny(warnings)]

use std::pin::pin;
use std::sync::Mutex;

use otel_runtime::traced_span;

struct Guard<'a>(&'a str);

impl Guard<'_> {
    fn text(&self) -> &str {
        self.0
    }
}

impl Drop for Guard<'_> {
    fn drop(&mut self) {}
}

#[traced_span]
fn borrowed(numbers: &Mutex<Vec<u32>>) -> Option<u32> {
    #[traced_span("first")]
    let Some(&first) = numbers.lock().unwrap().first() else {
        return Some(0);
    };
    let mut sum = first;
    for number in #[traced_span("each")]
    numbers.lock().unwrap().iter()
    {
        sum += number;
    }
    match #[traced_span("last")]
    numbers.lock().unwrap().last()
    {
        Some(last) => sum += last,
        None => return None,
    }
    let most = #[traced_span("most")]
    Guard("text").text().len();
    sum += u32::try_from(most).ok()?;
    Some(
        sum + numbers_of(
            #[traced_span("slice")]
            numbers.lock().unwrap().as_slice(),
        ),
    )
}

fn numbers_of(numbers: &[u32]) -> u32 {
    numbers.iter().sum()
}

#[traced_span]
fn prolonged() -> usize {
    #[traced_span("reference")]
    let reference = &String::from("a reference");
    #[traced_span("option")]
    let option = Some(&String::from("in an option"));
    #[traced_span("tuple")]
    let (left, right) = (&String::from("left"), &String::from("right"));
    #[traced_span("pinned")]
    let _pinned = pin!(std::future::ready(()));
    reference.len() + option.map_or(0, String::len) + left.len() + right.len()
}

#[traced_span]
fn coerced() -> Box<dyn Fn(u32) -> u32> {
    #[traced_span("closure")]
    let closure: Box<dyn Fn(u32) -> u32> = Box::new(|number| number + 1);
    #[traced_span("array")]
    let array: &[u32] = Vec::leak(vec![1, 2]);
    assert_eq!(array.len(), 2);
    closure
}

fn main() {
    let numbers = Mutex::new(vec![1, 2, 3]);
    assert_eq!(borrowed(&numbers), Some(1 + 6 + 3 + 4 + 6));
    assert_eq!(prolonged(), 11 + 12 + 4 + 5);
    assert_eq!(coerced()(1), 2);
}
