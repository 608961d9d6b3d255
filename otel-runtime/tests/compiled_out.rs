//! With the feature `recording` off, the attributes are checked and leave no trace.
#![cfg(not(feature = "recording"))]
#![deny(warnings)]

use otel_runtime::testing::Spans;
use otel_runtime::{attr, event, span, span_attr, span_event, traced_span};

fn never() -> u32 {
    panic!("evaluated");
}

#[traced_span("sum", kind = client, links = [span_context(); 0])]
#[span_attr("n" = never(), "sum" = |sum| *sum)]
#[span_event("asked", "n" = never())]
fn sum(rows: &[u32], #[span_attr] only_recorded: u32) -> Result<u32, String> {
    #[span_attr]
    let count = rows.len();
    let total = #[traced_span("add")]
    {
        rows.iter().sum()
    };
    #[span_event("done", "n" = never())]
    Ok(total)
}

fn span_context() -> opentelemetry::trace::SpanContext {
    opentelemetry::trace::SpanContext::NONE
}

#[traced_span]
async fn later(#[span_attr] only_recorded: u32) -> u32 {
    1
}

#[span_attr("n" = never())]
fn untraced() -> u32 {
    event!("seen", "n" = never());
    attr!("n" = never());
    span!("block", { 2 })
}

#[traced_span(name = never_text(), links = [never_linked()], err = |()| never(), err_if = |()| never() > 0)]
#[span_attr({ never_text() } = 1, "shown" = %never(), "result" = |_| never())]
#[span_event(never_text() + "!", "result" = |_| never())]
fn fails() -> Result<u32, ()> {
    Err(())
}

#[traced_span(name = never_text(), err = |()| never())]
#[span_attr("n" = never(), "result" = |_| never())]
#[span_event("event", "n" = never())]
async fn fails_later() -> Result<u32, ()> {
    #[traced_span(name = never_text())]
    later(1).await;
    Err(())
}

fn never_text() -> String {
    panic!("evaluated");
}

fn never_linked() -> opentelemetry::trace::SpanContext {
    panic!("evaluated");
}

struct Counter;

#[traced_span]
impl Counter {
    fn count(self) -> u32 {
        3
    }
}

#[traced_span]
fn chained(mut left: Vec<u32>) -> u32 {
    while let Some(last) = #[traced_span(name = never_text())]
    left.pop()
        && let Some(first) = #[traced_span("first")]
        left.first()
    {
        if first == &last {
            return last;
        }
    }
    0
}

#[test]
fn nothing_is_recorded_and_nothing_evaluated() {
    assert_eq!(chained(vec![2, 2, 3]), 2);
    let spans = Spans::install();
    assert_eq!(sum(&[1, 2], 0), Ok(3));
    assert_eq!(untraced() + Counter.count(), 5);
    assert_eq!(fails(), Err(()));
    let mut later_failure = std::pin::pin!(fails_later());
    let poll = later_failure
        .as_mut()
        .poll(&mut std::task::Context::from_waker(std::task::Waker::noop()));
    assert_eq!(poll, std::task::Poll::Ready(Err(())));
    assert_eq!(size_of_val(&later(1)), size_of_val(&plain(1)));
    assert!(otel_runtime::sites().is_empty());
    assert_eq!(spans.tree(), "");
}

async fn plain(n: u32) -> u32 {
    let _ = n;
    1
}
