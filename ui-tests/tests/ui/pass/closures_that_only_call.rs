//! Closures that only call one method are what the documentation recommends; clippy must not ask for a path instead.

#![deny(warnings)]

use otel_runtime::{span_attr, traced_span};

#[traced_span]
#[span_attr("length" = |text| text.len())]
fn text() -> String {
    String::new()
}

#[traced_span(err = |error| error.to_string())]
fn code(n: u32) -> Result<u32, u32> {
    if n > 1 { Err(n) } else { Ok(n) }
}

fn main() {
    assert_eq!(text(), "");
    assert_eq!(code(1), Ok(1));
}
