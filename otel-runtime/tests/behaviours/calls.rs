//! Parents and children.

use std::pin::pin;

use otel_runtime::traced_span;

use super::{async_parent, block_on, current_span, leaf, poll_once, record};

#[traced_span("parent", kind = server)]
fn parent() {
    leaf();
    leaf();
}

#[test]
fn calls_become_children() {
    let recorded = record();
    parent();
    recorded.check(&["SERVER parent", "  INTERNAL leaf", "  INTERNAL leaf"]);
}

#[test]
fn awaits_become_children() {
    let recorded = record();
    block_on(async_parent());
    recorded.check(&[
        "INTERNAL async_parent",
        "  INTERNAL leaf",
        "  INTERNAL child",
        "    INTERNAL leaf",
        "  INTERNAL leaf",
    ]);
}

#[test]
fn a_span_is_current_only_while_its_future_is_polled() {
    let recorded = record();
    let before = current_span();
    let mut future = pin!(async_parent());
    assert!(poll_once(future.as_mut()).is_pending());
    assert_eq!(current_span(), before);
    leaf();
    assert!(poll_once(future).is_ready());
    recorded.check(&[
        "INTERNAL async_parent",
        "  INTERNAL leaf",
        "  INTERNAL child",
        "    INTERNAL leaf",
        "  INTERNAL leaf",
        "INTERNAL leaf",
    ]);
}

#[test]
fn a_future_that_is_never_polled_makes_no_span() {
    let recorded = record();
    drop(async_parent());
    recorded.check(&[]);
}

#[test]
fn a_span_ends_though_its_context_lives_on() {
    #[traced_span]
    fn hands_out() -> opentelemetry::Context {
        opentelemetry::Context::current()
    }
    let recorded = record();
    let context = hands_out();
    recorded.check(&["INTERNAL hands_out"]);
    drop(context);
    recorded.check(&["INTERNAL hands_out"]);
}
