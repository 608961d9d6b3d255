//! Spans of the library among those that the application makes by the `opentelemetry` API.

use annotated_library::{call, find, wait_for};
use opentelemetry::trace::{
    FutureExt as _, Span as _, TraceContextExt as _, Tracer as _, get_active_span,
    mark_span_as_active,
};
use opentelemetry::{Context, KeyValue, global};

use super::polling::{block_on, pause};
use super::start;

fn by_hand<T>(name: &'static str, work: impl FnOnce() -> T) -> T {
    global::tracer("application").in_span(name, |_| work())
}

#[test]
fn ours_under_one_by_hand_under_ours() {
    let application = start();
    let found = by_hand("outer", || call(|| by_hand("inner", || find("blue"))));
    assert_eq!(found, Ok(4));
    application.check(&[
        "INTERNAL outer",
        "  INTERNAL library.call",
        "    INTERNAL inner",
        "      CLIENT library.find",
        "        INTERNAL library.measure",
    ]);
}

#[test]
fn futures_under_spans_by_hand_and_over_them() {
    let application = start();
    let tracer = global::tracer("application");
    let outer = Context::current_with_span(tracer.start("outer"));
    let future = wait_for(async {
        pause().await;
        let inner = Context::current_with_span(global::tracer("application").start("inner"));
        let found = async {
            pause().await;
            find("blue")
        };
        found.with_context(inner).await
    });
    assert_eq!(block_on(future.with_context(outer)), Ok(4));
    application.check(&[
        "INTERNAL outer",
        "  INTERNAL library.await",
        "    INTERNAL library.part",
        "      INTERNAL inner",
        "        CLIENT library.find",
        "          INTERNAL library.measure",
    ]);
}

#[test]
fn the_api_reaches_our_span() {
    let application = start();
    call(|| {
        get_active_span(|span| {
            span.set_attribute(KeyValue::new("by.hand", true));
            span.add_event("by.hand", Vec::new());
            span.update_name("renamed");
        });
        let inner = global::tracer("application").start("inner");
        let parent = mark_span_as_active(inner);
        assert_eq!(find("blue"), Ok(4));
        drop(parent);
    });
    assert_eq!(find(""), Err("no room".to_owned()));
    application.check(&[
        "INTERNAL renamed",
        "  INTERNAL inner",
        "    CLIENT library.find",
        "      INTERNAL library.measure",
        "CLIENT library.find ERROR: no room",
    ]);
    let spans = application.spans.finished();
    let renamed = spans
        .iter()
        .find(|span| span.name == "renamed")
        .expect("a span");
    assert_eq!(renamed.attribute("by.hand"), Some(&true.into()));
    assert!(renamed.event("by.hand").is_some());
}

#[test]
fn helpers_reach_a_span_by_hand() {
    let application = start();
    by_hand("outer", || {
        otel_runtime::attr!("room" = "blue");
        otel_runtime::event!("seen");
    });
    assert_eq!(
        application.spans.tree_with_attributes(),
        "INTERNAL outer\n    · room = \"blue\"\n    * seen"
    );
}

#[test]
fn a_parent_by_hand_may_have_ended() {
    let application = start();
    let mut parent = global::tracer("application").start("ended");
    parent.end();
    let _ended = Context::current_with_span(parent).attach();
    assert_eq!(find("blue"), Ok(4));
    application.check(&[
        "INTERNAL ended",
        "  CLIENT library.find",
        "    INTERNAL library.measure",
    ]);
}

#[test]
fn a_span_of_ours_that_was_ended_by_hand_ends_once() {
    let application = start();
    call(|| Context::current().span().end());
    application.check(&["INTERNAL library.call"]);
}
