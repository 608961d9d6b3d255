//! A parameter that is recorded, and is not there.

#![deny(warnings)]

use otel_runtime::{span_attr, traced_span};

#[traced_span]
fn one_of_two(
    #[cfg(test)]
    #[span_attr("number")]
    number: u32,
    #[cfg(not(test))]
    #[span_attr("number")]
    number: u64,
) -> u64 {
    number
}

#[traced_span]
async fn later(
    #[cfg(test)]
    #[span_attr]
    number: u32,
    text: String,
) -> usize {
    std::future::ready(()).await;
    text.len()
}

#[span_attr("here" = 1)]
fn untraced(
    #[cfg(test)]
    #[span_attr]
    number: u32,
) {
}

fn main() {
    assert_eq!(one_of_two(7), 7);
    drop(later(String::new()));
    untraced();
}
