//! An annotated library in an application that sets its provider late: until then, there is none in the process.

#[path = "polling/mod.rs"]
mod polling;

use std::cell::Cell;
use std::panic::catch_unwind;
use std::task::Poll;

use annotated_library::{call, count, find, wait_for};
use opentelemetry::trace::{SpanContext, TraceContextExt as _, TraceFlags, TraceState};
use opentelemetry::{Context, SpanId, TraceId, global};
use opentelemetry_sdk::trace::SdkTracerProvider;
use otel_runtime::testing::Spans;

use polling::{block_on, pause, poll_once};

fn current() -> SpanContext {
    Context::current().span().span_context().clone()
}

/// One test, since the provider is the process's.
#[test]
fn later_calls_are_recorded() {
    without_a_provider(&SpanContext::NONE);
    let remote = SpanContext::new(
        TraceId::from(1),
        SpanId::from(1),
        TraceFlags::SAMPLED,
        true,
        TraceState::NONE,
    );
    {
        let context = Context::current().with_remote_span_context(remote.clone());
        let _remote = context.attach();
        without_a_provider(&remote);
    }
    let mut begun = Box::pin(wait_for(async {
        pause().await;
        find("blue")
    }));
    assert!(poll_once(begun.as_mut()).is_pending());

    let spans = Spans::new();
    let provider = SdkTracerProvider::builder()
        .with_simple_exporter(spans.exporter())
        .build();
    global::set_tracer_provider(provider);
    assert_eq!(spans.tree(), "");

    let found = ["CLIENT library.find", "  INTERNAL library.measure"].join("\n");
    assert_eq!(find("blue"), Ok(4));
    assert_eq!(spans.tree(), found);
    spans.clear();

    // What began without a provider has no span, and does no harm to those that begin in it now.
    assert_eq!(poll_once(begun.as_mut()), Poll::Ready(Ok(4)));
    assert_eq!(spans.tree(), found);
    spans.clear();

    let evaluations = Cell::new(0);
    assert!(count(&evaluations).is_err());
    assert_eq!(evaluations.get(), 3);
    assert_eq!(spans.tree(), "INTERNAL library.counted ERROR: on purpose");
}

/// Checks that calls do what they should, see the context that is there and evaluate nothing.
#[track_caller]
fn without_a_provider(expected: &SpanContext) {
    assert_eq!(find("blue"), Ok(4));
    assert_eq!(find(""), Err("no room".to_owned()));
    assert_eq!(call(current), *expected);
    let waited = block_on(wait_for(async {
        pause().await;
        current()
    }));
    assert_eq!(waited, *expected);
    assert!(catch_unwind(|| call(|| panic!("on purpose"))).is_err());
    drop(wait_for(async {}));
    assert_eq!(current(), *expected);
    let evaluations = Cell::new(0);
    assert!(count(&evaluations).is_err());
    assert_eq!(evaluations.get(), 0);
}
