//! A lint that is forbidden cannot be allowed again, so the expansion must not try.

#![forbid(warnings)]
#![forbid(unused, unused_imports, unreachable_code, unsafe_code)]

use std::num::ParseIntError;

use otel_runtime::{span_attr, span_event, traced_span};

#[traced_span]
#[span_attr("found" = |n| *n)]
#[span_event("asked")]
fn find(#[span_attr] text: &str) -> Result<u32, ParseIntError> {
    #[span_event("parsed")]
    let n = text.parse()?;
    Ok(n)
}

#[traced_span]
async fn find_later(text: String) -> Result<impl Iterator<Item = u32>, ParseIntError> {
    #[traced_span("parse")]
    let n = std::future::ready(text.parse::<u32>()).await?;
    Ok(0..n)
}

fn main() {
    assert_eq!(find("5"), Ok(5));
    drop(find_later(String::new()));
}
