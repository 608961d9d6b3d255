#![deny(warnings)]

use otel_runtime::{self as runtime, span_attr as attr, traced_span as traced};

#[attr("above" = 1)]
#[traced]
#[runtime::span_event("below")]
fn renamed() -> Option<u32> {
    None
}

#[cfg_attr(all(), traced("conditional"))]
fn conditional() {}

fn main() {
    assert_eq!(renamed(), None);
    conditional();
}
