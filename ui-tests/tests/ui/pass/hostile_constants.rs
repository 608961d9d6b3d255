//! Constants and statics with names that a macro could have given its variables.
//!
//! The macro hygiene of variables does not hold for items.

#![deny(warnings)]
#![allow(dead_code, non_upper_case_globals, non_camel_case_types)]

use futures_util::FutureExt as _;
use otel_runtime::{attr, event, span_attr, span_event, traced_span};

// A `let` of one of these names would be a pattern that compares.
const __start: u32 = 1;
const __span: u32 = 2;
const __fields: u32 = 3;
const __result: u32 = 4;
const __slot: u32 = 5;
static __value: u32 = 6;
struct __current;
const span: u32 = 7;
const start: u32 = 8;
struct result;
static guard: u32 = 9;
static SITE: u32 = 10;
static __OTEL_SITE: u32 = 11;

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

#[traced_span]
fn parameter<const __start: u32>(n: u32) -> u32 {
    n + __start
}
