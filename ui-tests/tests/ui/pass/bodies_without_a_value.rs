#![deny(warnings)]
#![expect(clippy::unused_async, reason = "it is so without the attribute too")]

use std::sync::atomic::{AtomicU32, Ordering};

use futures_util::FutureExt as _;
use otel_runtime::{span_attr, span_event, traced_span};

static CALLS: AtomicU32 = AtomicU32::new(0);

#[traced_span]
fn empty() {}

#[traced_span]
#[span_attr("n" = n)]
#[span_event("seen")]
fn empty_with_helpers(n: u32) {}

#[traced_span]
async fn empty_later() {}

#[traced_span]
fn only_a_comment() {
    // Nothing to do.
}

#[traced_span]
fn one_line() { CALLS.fetch_add(1, Ordering::Relaxed); }

#[traced_span]
#[expect(clippy::semicolon_if_nothing_returned)]
fn without_semicolon() {
    one_line()
}

#[traced_span]
#[span_attr("unit" = |unit| format!("{unit:?}"))]
#[expect(clippy::unused_unit)]
fn written_out() -> () {
    one_line();
}

#[traced_span]
async fn one_line_later() { one_line() }

struct Rooms;

#[traced_span]
impl Rooms {
    fn nothing() {}

    async fn nothing_later(&mut self) {}
}

fn main() {
    empty();
    empty_with_helpers(1);
    only_a_comment();
    one_line();
    without_semicolon();
    written_out();
    Rooms::nothing();
    for done in [empty_later().now_or_never(), one_line_later().now_or_never(), Rooms.nothing_later().now_or_never()] {
        assert_eq!(done, Some(()));
    }
    assert_eq!(CALLS.load(Ordering::Relaxed), 4);
}
