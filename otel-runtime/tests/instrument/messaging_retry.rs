//! Messages that waited, and messages that are sent again.

use std::collections::HashMap;
use std::convert::Infallible;
use std::time::{Duration, SystemTime};

use crate::recorded::Recorded;
use opentelemetry::Value;
use otel_runtime::instrument::messaging::{Message, QUEUE_DURATION, keep_origin};

type Headers = HashMap<String, String>;

fn message(destination: &'static str) -> Message {
    Message::new("rabbitmq", destination)
}

fn send(destination: &'static str, headers: Headers) -> Headers {
    let result = message(destination).send_blocking(headers, Ok::<_, Infallible>);
    result.unwrap_or_else(|error| match error {})
}

fn fail(destination: &'static str, headers: &Headers) {
    let result = message(destination).process_blocking(headers, || Err::<(), _>("closed"));
    assert_eq!(result, Err("closed"));
}

/// Sends what was received again, from outside of its span, as a worker does that has given up.
fn send_again(destination: &'static str, received: &Headers) -> Headers {
    let mut headers = Headers::new();
    keep_origin(received, &mut headers);
    send(destination, headers)
}

#[test]
fn each_attempt_and_the_dead_letter_lead_back_to_the_first_producer() {
    let spans = Recorded::start();
    let first = send("booking.created", Headers::new());
    fail("booking.created", &first);
    let second = send_again("booking.retry", &first);
    fail("booking.retry", &second);
    let third = send_again("booking.retry", &second);
    fail("booking.retry", &third);
    let dead = send_again("booking.dead", &third);
    fail("booking.dead", &dead);

    let tree = spans.tree();
    let shape: Vec<_> = tree
        .lines()
        .filter(|line| !line.contains('·') && !line.contains("* exception"))
        .collect();
    assert_eq!(
        shape.join("\n"),
        "PRODUCER send booking.created
  CONSUMER process booking.created ERROR: closed
      ~ link to PRODUCER send booking.created
PRODUCER send booking.retry
  CONSUMER process booking.retry ERROR: closed
      ~ link to PRODUCER send booking.retry
      ~ link to PRODUCER send booking.created
PRODUCER send booking.retry
  CONSUMER process booking.retry ERROR: closed
      ~ link to PRODUCER send booking.retry
      ~ link to PRODUCER send booking.created
PRODUCER send booking.dead
  CONSUMER process booking.dead ERROR: closed
      ~ link to PRODUCER send booking.dead
      ~ link to PRODUCER send booking.created"
    );
}

#[test]
fn a_message_that_is_delivered_again_as_it_is_has_one_producer() {
    let spans = Recorded::start();
    let headers = send("booking.created", Headers::new());
    fail("booking.created", &headers);
    fail("booking.created", &headers);
    let spans = spans.finished();
    let attempts = spans.iter().filter(|span| span.name.starts_with("process"));
    for attempt in attempts {
        assert_eq!(attempt.links.len(), 1);
        assert_eq!(Some(attempt.links[0].span_id), attempt.parent_span_id);
    }
}

#[test]
fn what_has_no_origin_keeps_none_and_baggage_is_not_kept() {
    let _spans = Recorded::start();
    let mut headers = Headers::new();
    keep_origin(&Headers::new(), &mut headers);
    assert_eq!(headers, Headers::new());
    let traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let received = [
        ("traceparent", traceparent),
        ("tracestate", "vendor=1"),
        ("baggage", "guest=alice"),
    ];
    let received = received.map(|(key, value)| (key.to_owned(), value.to_owned()));
    keep_origin(&Headers::from(received), &mut headers);
    let kept = [
        ("origin-traceparent", traceparent),
        ("origin-tracestate", "vendor=1"),
    ];
    let kept = kept.map(|(key, value)| (key.to_owned(), value.to_owned()));
    assert_eq!(headers, Headers::from(kept));
}

#[test]
fn the_time_in_the_queue_is_recorded_in_seconds_and_never_negative() {
    let spans = Recorded::start();
    let now = SystemTime::now();
    let ahead = now + Duration::from_hours(1);
    for sent_at in [now - Duration::from_secs(90), ahead] {
        let message = message("booking.created").sent_at(sent_at);
        let result = message.process_blocking(&Headers::new(), || Ok::<_, Infallible>(()));
        assert_eq!(result, Ok(()));
    }
    let spans = spans.finished();
    let [long, none] = spans.as_slice() else {
        panic!("two spans")
    };
    let Some(Value::F64(seconds)) = long.attribute(QUEUE_DURATION) else {
        panic!("{long:?}")
    };
    assert!((60.0..3600.0).contains(seconds), "{seconds}");
    assert_eq!(none.attribute(QUEUE_DURATION), Some(&Value::F64(0.0)));
}
