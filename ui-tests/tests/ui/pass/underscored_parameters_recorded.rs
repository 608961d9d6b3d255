//! A parameter may be there to be recorded alone.

#![deny(warnings)]

use otel_runtime::{span_attr, traced_span};

#[traced_span]
fn count(#[span_attr] _more: u32) -> usize {
    1
}

fn main() {
    assert_eq!(count(1), 1);
}
