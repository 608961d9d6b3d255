//! Blocks of which one is the value, by `#[cfg]`.

#![deny(warnings)]
use otel_runtime::{span_event, traced_span};
#[traced_span]
fn conditions() -> u32 {
    #[cfg(not(doc))]
    #[span_event("x")]
    {
        1
    }
    #[cfg(doc)]
    #[span_event("x")]
    {
        2
    }
}
fn main() {
    assert_eq!(conditions(), 1);
}
