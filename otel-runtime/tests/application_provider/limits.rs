//! Limits on counts: what is over them is dropped and counted.

use opentelemetry::trace::{SpanContext, Status, TraceFlags, TraceState};
use opentelemetry::{SpanId, TraceId};
use opentelemetry_sdk::trace::SpanLimits;
use otel_runtime::{attr, event, span_attr, span_event, traced_span};

use super::start_with;

fn limited() -> super::Application {
    let limits = SpanLimits {
        max_attributes_per_span: 3,
        max_attributes_per_event: 1,
        max_events_per_span: 2,
        max_links_per_span: 1,
        ..SpanLimits::default()
    };
    start_with(|builder| builder.with_span_limits(limits))
}

fn other(id: u64) -> SpanContext {
    SpanContext::new(
        TraceId::from(1),
        SpanId::from(id),
        TraceFlags::SAMPLED,
        false,
        TraceState::NONE,
    )
}

#[traced_span(links = [other(1), other(2), other(3)])]
#[span_attr("known" = n, "computed" = n + 1)]
#[span_event("first", "a" = 1, "b" = 2, "c" = n)]
#[span_event("second", "a" = 1)]
fn records_much(n: u32) -> Result<(), &'static str> {
    attr!("third" = 3, "fourth" = 4);
    attr!("fifth" = 5);
    event!("third");
    Err("failed")
}

#[test]
fn what_is_over_a_limit_is_dropped_and_counted() {
    let application = limited();
    assert!(records_much(1).is_err());
    assert_eq!(
        application.spans.tree_with_attributes(),
        [
            "INTERNAL records_much ERROR: failed",
            "    · computed = 2",
            "    · known = 1",
            "    · third = 3",
            "    * first",
            "      · a = 1",
            "    * second",
            "      · a = 1",
            "    ~ link",
            "    ! 3 attributes, 2 events, 2 links, 2 event attributes dropped",
        ]
        .join("\n")
    );
    let span = application.spans.finished().remove(0);
    // `fourth`, `fifth` and `error.type`; the events `third` and `exception`.
    assert_eq!(span.dropped_attributes, 3);
    assert_eq!(span.dropped_events, 2);
    assert_eq!(span.dropped_links, 2);
    assert_eq!(span.events[0].dropped_attributes, 2);
    assert_eq!(span.events[1].dropped_attributes, 0);
}

#[test]
fn attributes_at_the_start_are_counted_too() {
    #[traced_span]
    #[span_attr("a" = 1, "b" = "text", "c" = true, "d" = n, "e" = 1.5)]
    fn starts_with_much(n: u32) {}
    let application = limited();
    starts_with_much(7);
    let span = application.spans.finished().remove(0);
    assert_eq!(span.attributes.len(), 3);
    assert_eq!(span.dropped_attributes, 2);
    assert_eq!(span.status, Status::Unset);
}

#[test]
fn what_is_within_the_limits_is_kept() {
    #[traced_span(links = [other(1)])]
    #[span_attr("a" = 1, "b" = 2, "c" = 3)]
    #[span_event("first", "a" = 1)]
    #[span_event("second")]
    fn just_enough() {}
    let application = limited();
    just_enough();
    let span = application.spans.finished().remove(0);
    assert_eq!(
        (span.attributes.len(), span.events.len(), span.links.len()),
        (3, 2, 1)
    );
    assert_eq!(
        (
            span.dropped_attributes,
            span.dropped_events,
            span.dropped_links
        ),
        (0, 0, 0)
    );
}
