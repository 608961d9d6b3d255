//! The tree for assertions: every span once, in an order that does not depend on the order of arrival.

mod records;

use std::collections::BTreeMap;

use opentelemetry::trace::{
    Link, Span, SpanContext, SpanId, SpanKind, Status, TraceFlags, TraceId,
};
use opentelemetry::trace::{TraceState, Tracer, TracerProvider};
use opentelemetry::{Array, KeyValue, Value};
use otel_runtime::testing::{Detail, SpanRecord, Spans, tree};
use records::{span, span_of};

#[track_caller]
fn check(spans: &[SpanRecord], expected: &[&str]) {
    assert_eq!(tree(spans, Detail::NAMES), expected.join("\n"));
}

#[test]
fn no_spans_are_an_empty_text() {
    check(&[], &[]);
}

#[test]
fn children_stand_below_their_parent_by_start_in_any_order_of_arrival() {
    let spans = [
        span(1, 0, "root", 0..100),
        span(2, 1, "first", 10..90),
        span(3, 2, "first of first", 20..30),
        span(4, 2, "second of first", 30..40),
        span(5, 1, "second", 50..60),
    ];
    let expected = [
        "INTERNAL root",
        "  INTERNAL first",
        "    INTERNAL first of first",
        "    INTERNAL second of first",
        "  INTERNAL second",
    ];
    for arrival in permutations(&[0, 1, 2, 3, 4]) {
        let spans: Vec<_> = arrival.iter().map(|&index| spans[index].clone()).collect();
        check(&spans, &expected);
    }
}

#[test]
fn siblings_of_the_same_start_are_in_the_order_of_their_ends() {
    check(
        &[
            span(2, 1, "long", 5..9),
            span(3, 1, "short", 5..6),
            span(1, 0, "root", 0..10),
        ],
        &["INTERNAL root", "  INTERNAL short", "  INTERNAL long"],
    );
}

#[test]
fn a_span_without_its_parent_is_a_root_and_says_so() {
    let mut from_elsewhere = span(1, 99, "entry", 5..9);
    from_elsewhere.parent_is_remote = true;
    check(
        &[
            from_elsewhere,
            span(2, 1, "child", 6..7),
            span(3, 98, "lost", 1..2),
            span(4, 0, "first", 0..1),
        ],
        &[
            "INTERNAL first",
            "INTERNAL lost (parent missing)",
            "INTERNAL entry (remote parent)",
            "  INTERNAL child",
        ],
    );
}

#[test]
fn a_remote_parent_that_is_there_is_a_parent_like_any_other() {
    let mut consumer = span(2, 1, "process booking.created", 5..9);
    consumer.parent_is_remote = true;
    check(
        &[consumer, span(1, 0, "send booking.created", 0..1)],
        &[
            "INTERNAL send booking.created",
            "  INTERNAL process booking.created",
        ],
    );
}

#[test]
fn the_same_span_id_in_another_trace_is_another_span() {
    let mut other = span(1, 0, "other", 1..2);
    other.trace_id = TraceId::from(2);
    let mut below_other = span(2, 1, "below other", 3..4);
    below_other.trace_id = TraceId::from(2);
    check(
        &[
            below_other,
            span(1, 0, "one", 0..9),
            other,
            span(2, 1, "below one", 2..3),
        ],
        &[
            "INTERNAL one",
            "  INTERNAL below one",
            "INTERNAL other",
            "  INTERNAL below other",
        ],
    );
}

#[test]
fn spans_of_the_same_id_are_all_there() {
    check(
        &[
            span(1, 0, "root", 0..9),
            span(1, 0, "again", 1..9),
            span(2, 1, "child", 2..3),
        ],
        &["INTERNAL root", "  INTERNAL child", "INTERNAL again"],
    );
}

#[test]
fn a_span_that_is_its_own_parent_is_a_root() {
    check(
        &[span(1, 1, "own parent", 0..9), span(2, 1, "child", 1..2)],
        &["INTERNAL own parent (circular parent)", "  INTERNAL child"],
    );
}

#[test]
fn parents_in_a_circle_are_cut_at_the_earliest_span() {
    check(
        &[
            span(3, 2, "third", 3..9),
            span(1, 3, "first", 1..9),
            span(2, 1, "second", 2..9),
            span(4, 2, "beside", 4..9),
        ],
        &[
            "INTERNAL first (circular parent)",
            "  INTERNAL second",
            "    INTERNAL third",
            "    INTERNAL beside",
        ],
    );
}

#[test]
fn what_hangs_below_a_circle_stays_below_it_even_if_it_began_before() {
    check(
        &[
            span(1, 2, "one", 5..9),
            span(2, 1, "two", 6..9),
            span(3, 1, "early", 0..1),
            span(4, 3, "earlier", 0..0),
        ],
        &[
            "INTERNAL one (circular parent)",
            "  INTERNAL early",
            "    INTERNAL earlier",
            "  INTERNAL two",
        ],
    );
}

#[test]
fn kind_service_note_and_status_are_in_this_order() {
    let mut server = span_of(
        "dispo",
        SpanKind::Server,
        span(1, 99, "POST /api/v1/bookings/", 0..9),
    );
    server.parent_is_remote = true;
    server.status = Status::error("room 7 is closed");
    let mut client = span_of(
        "dispo",
        SpanKind::Client,
        span(2, 1, "INSERT bookings", 1..2),
    );
    client.status = Status::error("");
    let mut producer = span(3, 1, "send booking.created", 3..4);
    producer.kind = SpanKind::Producer;
    producer.status = Status::Ok;
    let spans = [server, client, producer];
    assert_eq!(
        tree(&spans, Detail::NAMES.with_services()),
        "SERVER POST /api/v1/bookings/ [dispo] (remote parent) ERROR: room 7 is closed\n  \
           CLIENT INSERT bookings [dispo] ERROR\n  \
           PRODUCER send booking.created OK"
    );
}

#[test]
fn control_characters_do_not_break_a_line() {
    let mut record = span(1, 0, "a\nb\u{1b}[31m\u{202e}", 0..9);
    record.status = Status::error("first\r\n\tsecond");
    check(
        &[record],
        &[r"INTERNAL a\nb\u{1b}[31m\u{202e} ERROR: first\r\n\tsecond"],
    );
}

#[test]
fn details_are_sorted_typed_and_complete() {
    let spans = Spans::new();
    let tracer = spans.provider().tracer("test");
    let mut producer = tracer.start("send booking.created");
    producer.end();
    let elsewhere = SpanContext::new(
        TraceId::from(7),
        SpanId::from(7),
        TraceFlags::SAMPLED,
        true,
        TraceState::default(),
    );
    let attributes = [
        KeyValue::new("text", "say \"hi\" to C:\\"),
        KeyValue::new("a.float", 1.0),
        KeyValue::new("a.bool", true),
        KeyValue::new("empty", ""),
        KeyValue::new(
            "list",
            Value::Array(Array::String(vec!["a".into(), "b\nc".into()])),
        ),
        KeyValue::new("b.int", 12),
        KeyValue::new("floats", Value::Array(Array::F64(vec![1.0, 2.5]))),
    ];
    let mut span = tracer
        .span_builder("booking.create")
        .with_attributes(attributes)
        .with_links(vec![
            Link::new(
                producer.span_context().clone(),
                vec![KeyValue::new("attempt", 2)],
                0,
            ),
            Link::new(elsewhere, Vec::new(), 0),
        ])
        .start(&tracer);
    span.add_event("b came first", Vec::new());
    span.add_event(
        "a",
        vec![
            KeyValue::new("z", 1),
            KeyValue::new("payload", "{\"id\":1}"),
        ],
    );
    span.end();

    assert_eq!(
        spans.tree_with_attributes(),
        r#"INTERNAL send booking.created
INTERNAL booking.create
    · a.bool = true
    · a.float = 1.0
    · b.int = 12
    · empty = ""
    · floats = [1.0, 2.5]
    · list = ["a", "b\nc"]
    · text = "say \"hi\" to C:\\"
    * b came first
    * a
      · payload = "{\"id\":1}"
      · z = 1
    ~ link to INTERNAL send booking.created
      · attempt = 2
    ~ link"#
    );
}

#[test]
fn what_the_limits_cut_off_is_told() {
    let mut record = span(1, 0, "busy", 0..9);
    record.dropped_attributes = 1;
    record.dropped_events = 2;
    let text = tree(&[record], Detail::NAMES.with_attributes());
    assert_eq!(text, "INTERNAL busy\n    ! 1 attribute, 2 events dropped");
}

#[test]
fn an_attribute_set_twice_is_shown_twice_and_its_last_value_counts() {
    let mut record = span(1, 0, "twice", 0..9);
    record.attributes = vec![KeyValue::new("k", "old"), KeyValue::new("k", "new")];
    assert_eq!(record.attribute("k"), Some(&Value::from("new")));
    let lines = tree(&[record], Detail::NAMES.with_attributes());
    assert_eq!(
        lines,
        "INTERNAL twice\n    · k = \"old\"\n    · k = \"new\""
    );
}

/// All orders of the numbers.
fn permutations(numbers: &[usize]) -> Vec<Vec<usize>> {
    if numbers.is_empty() {
        return vec![Vec::new()];
    }
    let mut all = BTreeMap::new();
    for &first in numbers {
        let rest: Vec<_> = numbers
            .iter()
            .copied()
            .filter(|&number| number != first)
            .collect();
        all.insert(first, permutations(&rest));
    }
    all.into_iter()
        .flat_map(|(first, rests)| {
            rests
                .into_iter()
                .map(move |rest| [vec![first], rest].concat())
        })
        .collect()
}
