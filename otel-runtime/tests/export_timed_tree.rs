//! The tree for people: aligned, in 80 to 120 columns, whatever the names and values are.

mod records;

use opentelemetry::trace::{SpanId, SpanKind, Status, TraceId};
use opentelemetry::{Array, KeyValue, Value};
use otel_runtime::testing::{Detail, EventRecord, SpanRecord, Spans, timed_tree};
use records::{EPOCH_NANOS, span, span_of};

#[test]
fn a_booking_reads_like_this() {
    assert_eq!(
        timed_tree(&booking(), Detail::ALL),
        r#"trace 00000000000000000000000000000001               service                start    duration
SERVER   POST /api/v1/bookings/                      dispo                0.00 ms    12.30 ms  ━━━━━━
         · http.response.status_code = 200
         · url.path = /api/v1/bookings/
  INTERNAL booking.create                            dispo                0.41 ms    10.90 ms  ━━━━━
           · room = 1
    CLIENT   INSERT bookings                         dispo                0.60 ms     2.05 ms  ━
             ! ERROR: database is locked
             · db.query.text = INSERT INTO bookings (room_id, start_date, end_date) VALUES (?, ?, ?)
    PRODUCER send booking.created                    dispo                8.00 ms     0.30 ms     ━
      CONSUMER process booking.created (circular?)   cleaning-worker     20.00 ms    12.00 ms          ━━━━━━
               * message.received at 21.00 ms  payload = {"booking_id":1,"room_id":1}
               ~ link to PRODUCER send booking.created  attempt = 2"#
    );
}

#[test]
fn names_alone_leave_services_and_details_out_but_not_errors() {
    assert_eq!(
        timed_tree(&booking(), Detail::NAMES),
        "\
trace 00000000000000000000000000000001                    start    duration
SERVER   POST /api/v1/bookings/                         0.00 ms    12.30 ms  ━━━━━━
  INTERNAL booking.create                               0.41 ms    10.90 ms  ━━━━━
    CLIENT   INSERT bookings                            0.60 ms     2.05 ms  ━
             ! ERROR: database is locked
    PRODUCER send booking.created                       8.00 ms     0.30 ms     ━
      CONSUMER process booking.created (circular?)     20.00 ms    12.00 ms          ━━━━━━"
    );
}

#[test]
fn each_trace_has_a_tree_of_its_own_by_start() {
    let mut later = span(1, 0, "later", 9_000..9_500);
    later.trace_id = TraceId::from(2);
    let mut lost = span(5, 4, "lost", 1_000..2_000);
    lost.status = Status::Ok;
    assert_eq!(
        timed_tree(&[later, lost, span(1, 0, "first", 0..4_000)], Detail::NAMES),
        "\
trace 00000000000000000000000000000001             start    duration
INTERNAL first                                   0.00 ms     4.00 ms  ━━━━━━━━━━━━━━━━
INTERNAL lost (parent missing)                   1.00 ms     1.00 ms      ━━━━
         ! OK

trace 00000000000000000000000000000002             start    duration
INTERNAL later                                   0.00 ms     0.50 ms  ━━━━━━━━━━━━━━━━"
    );
}

#[test]
fn no_spans_are_an_empty_text() {
    assert_eq!(timed_tree(&[], Detail::ALL), "");
}

#[test]
fn long_names_and_values_are_shortened_so_that_the_columns_stand() {
    let mut root = span_of(
        &"service-".repeat(9),
        SpanKind::Server,
        span(1, 0, "root", 0..1_000),
    );
    let long = "0123456789".repeat(1_000);
    root.attributes = vec![
        KeyValue::new("sql", long.clone()),
        KeyValue::new(
            "list",
            Value::Array(Array::String(vec![long.clone().into()])),
        ),
    ];
    root.status = Status::error(long.clone());
    root.events = vec![event(
        &long,
        vec![KeyValue::new("a", long.clone()), KeyValue::new("b", 1)],
    )];
    let spans = [root, span(2, 1, &long, 1..2), span(3, 2, "short", 1..2)];
    let text = timed_tree(&spans, Detail::ALL);
    let widest = text.lines().map(|line| line.chars().count()).max();
    assert!(widest <= Some(120), "{widest:?}\n{text}");
    for start in [
        "· sql = 0123",
        "· list = [\"0123",
        "! ERROR: 0123",
        "* 0123",
        "· a = 0123",
        "  INTERNAL 0123",
    ] {
        let line = text
            .lines()
            .find(|line| line.trim_start().starts_with(start.trim_start()));
        assert!(
            line.is_some_and(|line| line.contains('…')),
            "{start}: {line:?}\n{text}"
        );
    }
    assert!(text.contains("\n         * 0123"), "{text}");
    let columns: Vec<_> = text.lines().filter_map(|line| line.find(" ms")).collect();
    assert!(!columns.is_empty(), "{text}");
}

#[test]
fn deep_traces_keep_their_names_readable() {
    let spans: Vec<_> = (1..=40)
        .map(|id| span(id, id - 1, "a.rather.long.name", id..900))
        .collect();
    let text = timed_tree(&spans, Detail::NAMES);
    assert_eq!(text.lines().count(), 41);
    for line in text.lines() {
        assert!(line.chars().count() <= 120, "{line}");
    }
    assert!(
        text.lines()
            .last()
            .is_some_and(|line| line.contains("INTERNAL a.rather.lon")),
        "{text}"
    );
}

#[test]
fn a_trace_may_be_deeper_than_a_stack() {
    let spans: Vec<_> = (1..=100_000)
        .map(|id| span(id, id - 1, "n", id..900_000))
        .collect();
    assert_eq!(timed_tree(&spans, Detail::NAMES).lines().count(), 100_001);
}

#[test]
fn control_characters_cannot_steer_the_terminal() {
    let mut record = span(1, 0, "a\u{1b}[2J\nb", 0..9);
    record.attributes = vec![
        KeyValue::new("k\r", "line 1\nline 2\u{7}"),
        KeyValue::new("z", ""),
    ];
    record.status = Status::error("\u{1b}]0;title");
    let text = timed_tree(&[record], Detail::ALL);
    assert!(
        !text.contains(|c: char| c.is_control() && c != '\n'),
        "{text:?}"
    );
    assert_eq!(text.lines().count(), 5, "{text}");
    assert!(text.contains(r"· k\r = line 1\nline 2\u{7}"), "{text}");
    assert!(text.ends_with("· z = \"\""), "{text}");
}

#[test]
fn clocks_that_go_backwards_make_no_negative_times() {
    let mut record = span(1, 0, "backwards", 500..100);
    record.events = vec![event("before", Vec::new())];
    let text = timed_tree(&[record, span(2, 1, "child", 500..600)], Detail::ALL);
    assert!(text.contains("0.00 ms     0.00 ms"), "{text}");
    assert!(text.contains("* before at 0.00 ms"), "{text}");
}

#[test]
fn the_greatest_times_there_are_do_not_overflow() {
    let mut record = span(1, 0, "forever", 0..1);
    record.start_unix_nanos = 0;
    record.end_unix_nanos = u64::MAX;
    let mut child = span(2, 1, "at the end", 0..1);
    (child.start_unix_nanos, child.end_unix_nanos) = (u64::MAX, u64::MAX);
    let text = timed_tree(&[record, child], Detail::ALL);
    assert_eq!(text.lines().count(), 3, "{text}");
}

#[test]
fn a_link_to_a_span_elsewhere_tells_its_ids() {
    let mut record = span(1, 0, "retry", 0..9);
    let mut link = booking()
        .pop()
        .and_then(|mut span| span.links.pop())
        .expect("a link");
    link.trace_id = TraceId::from(0xab);
    link.span_id = SpanId::from(0xcd);
    record.links = vec![link];
    let text = timed_tree(&[record], Detail::ALL);
    let expected =
        "~ link to span 00000000000000cd of trace 000000000000000000000000000000ab  attempt = 2";
    assert!(text.contains(expected), "{text}");
}

fn booking() -> Vec<SpanRecord> {
    let dispo = |kind, span| span_of("dispo", kind, span);
    let mut server = dispo(
        SpanKind::Server,
        span(1, 0, "POST /api/v1/bookings/", 0..12_300),
    );
    server.attributes = vec![
        KeyValue::new("url.path", "/api/v1/bookings/"),
        KeyValue::new("http.response.status_code", 200),
    ];
    let mut create = dispo(
        SpanKind::Internal,
        span(2, 1, "booking.create", 410..11_310),
    );
    create.attributes = vec![KeyValue::new("room", 1)];
    let mut insert = dispo(SpanKind::Client, span(3, 2, "INSERT bookings", 600..2_650));
    insert.status = Status::error("database is locked");
    insert.attributes = vec![KeyValue::new(
        "db.query.text",
        "INSERT INTO bookings (room_id, start_date, end_date) VALUES (?, ?, ?)",
    )];
    let send = dispo(
        SpanKind::Producer,
        span(4, 2, "send booking.created", 8_000..8_300),
    );
    let process = span(5, 4, "process booking.created (circular?)", 20_000..32_000);
    let mut process = span_of("cleaning-worker", SpanKind::Consumer, process);
    process.events = vec![event(
        "message.received",
        vec![KeyValue::new("payload", r#"{"booking_id":1,"room_id":1}"#)],
    )];
    process.events[0].time_unix_nanos = EPOCH_NANOS + 21_000_000;
    let mut link = link();
    (link.trace_id, link.span_id) = (send.trace_id, send.span_id);
    process.links = vec![link];
    vec![process, send, insert, create, server]
}
