#![deny(warnings)]
#![allow(dead_code, non_upper_case_globals, non_camel_case_types)]

use futures_util::FutureExt as _;
use otel_runtime::{attr, event, span_attr, span_event, traced_span};

// A `let` of one of these names would be a pattern that compares.
const span: u32 = 7;
const start: u32 = 8;
struct result;
static guard: u32 = 9;
static SITE: u32 = 10;
static fields: u32 = 11;
const value: u32 = 12;
const slot: u32 = 13;

#[traced_span]
#[span_attr("n" = n, "twice" = |twice| *twice)]
#[span_event("seen", "n" = n)]
fn sync(n: u32) -> Result<u32, String> {
    #[span_attr]
    let more = n + SITE;
    attr!("more" = more);
    event!("event", "n" = n);
    Ok(more + span)
}

#[traced_span]
async fn later(n: u32) -> u32 {
    #[traced_span("wait")]
    std::future::ready(()).await;
    n + guard
}

fn main() {
    assert_eq!(sync(2), Ok(19));
    assert_eq!(later(1).now_or_never(), Some(10));
}
