//! Messages that are sent or processed together: one span, which knows all producers.

use std::collections::HashMap;
use std::convert::Infallible;
use std::future::ready;

use crate::polling::{block_on, poll_once};
use crate::recorded::Recorded;
use opentelemetry::global;
use opentelemetry::trace::Tracer as _;
use otel_runtime::instrument::messaging::{Batch, Message};

type Headers = HashMap<String, String>;

const SAMPLED: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

fn batch() -> Batch {
    Batch::new("kafka", "booking.created")
}

/// The headers of a message that was sent on its own, within a span of that name.
fn sent(within: &'static str) -> Headers {
    global::tracer("test").in_span(within, |_| {
        let message = Message::new("kafka", "booking.created");
        let result = message.send_blocking(Headers::new(), Ok::<_, Infallible>);
        result.unwrap_or_else(|error| match error {})
    })
}

#[test]
fn processing_is_linked_to_each_producer_and_continues_none() {
    let spans = Recorded::start();
    let received = [sent("first"), sent("second"), Headers::new()];
    let work = async {
        global::tracer("test").in_span("cleaning.plan", |_| ());
        Ok::<_, Infallible>(7)
    };
    let result = global::tracer("test").in_span("poll", |_| {
        let messages = received.iter().fold(batch(), Batch::message);
        block_on(messages.attribute("server.address", "broker").process(work))
    });
    assert_eq!(result, Ok(7));
    spans.check(
        r#"
        INTERNAL first
          PRODUCER send booking.created
              · messaging.destination.name = "booking.created"
              · messaging.operation.name = "send"
              · messaging.operation.type = "send"
              · messaging.system = "kafka"
        INTERNAL second
          PRODUCER send booking.created
              · messaging.destination.name = "booking.created"
              · messaging.operation.name = "send"
              · messaging.operation.type = "send"
              · messaging.system = "kafka"
        INTERNAL poll
          CONSUMER process booking.created
              · messaging.batch.message_count = 3
              · messaging.destination.name = "booking.created"
              · messaging.operation.name = "process"
              · messaging.operation.type = "process"
              · messaging.system = "kafka"
              · server.address = "broker"
              ~ link to PRODUCER send booking.created
              ~ link to PRODUCER send booking.created
            INTERNAL cleaning.plan
        "#,
    );
    let spans = spans.finished();
    let consumer = spans.iter().find(|span| span.name.starts_with("process"));
    let linked: Vec<_> = consumer
        .expect("the span")
        .links
        .iter()
        .map(|link| (link.trace_id, link.span_id))
        .collect();
    let producers: Vec<_> = spans
        .iter()
        .filter(|span| span.name.starts_with("send"))
        .map(|span| (span.trace_id, span.span_id))
        .collect();
    assert_eq!(linked, producers);
}

#[test]
fn alone_it_is_a_root_even_where_all_messages_have_one_producer() {
    let spans = Recorded::start();
    let headers = Headers::from([("traceparent".to_owned(), SAMPLED.to_owned())]);
    let messages = [&headers, &headers]
        .into_iter()
        .fold(batch(), Batch::message);
    let result = messages.process_blocking(|| Err::<(), _>("full"));
    assert_eq!(result, Err("full"));
    let [span] = &spans.finished()[..] else {
        panic!("one span")
    };
    assert_eq!(span.parent_span_id, None);
    assert_ne!(span.trace_id.to_string(), SAMPLED[3..35]);
    assert_eq!(span.links.len(), 1);
    assert_eq!(span.links[0].trace_id.to_string(), SAMPLED[3..35]);
    assert_eq!(span.status, opentelemetry::trace::Status::error("full"));
    let count = span.attribute("messaging.batch.message_count");
    assert_eq!(count.map(ToString::to_string).as_deref(), Some("2"));
}

#[test]
fn what_is_known_of_each_message_is_on_its_link() {
    let spans = Recorded::start();
    let headers = Headers::from([("traceparent".to_owned(), SAMPLED.to_owned())]);
    let messages = batch()
        .message(&headers)
        .message(&headers)
        .message_with(&headers, |message| message.id("7").delivery_count(1))
        .message_with(&headers, |message| message.id("8").delivery_count(2))
        .message_with(&Headers::new(), |message| message.id("9"));
    let _ = messages.process_blocking(|| Ok::<_, Infallible>(()));
    let [span] = &spans.finished()[..] else {
        panic!("one span")
    };
    let links = span.links.iter().map(|link| {
        let attributes = link.attributes.iter();
        let attributes: Vec<_> = attributes
            .map(|attribute| format!("{}={}", attribute.key, attribute.value))
            .collect();
        attributes.join(" ")
    });
    let count = "messaging.kafka.message.delivery_count";
    assert_eq!(
        links.collect::<Vec<_>>(),
        [
            String::new(),
            format!("messaging.message.id=7 {count}=1"),
            format!("messaging.message.id=8 {count}=2"),
        ]
    );
    let count = span.attribute("messaging.batch.message_count");
    assert_eq!(count.map(ToString::to_string).as_deref(), Some("5"));
}

#[test]
fn a_sender_passes_its_trace_on_with_each_message() {
    let spans = Recorded::start();
    let headers = vec![
        Headers::new(),
        Headers::from([("room".to_owned(), "7".to_owned())]),
    ];
    let result = block_on(batch().send(headers, |headers| ready(Ok::<_, Infallible>(headers))));
    let headers = result.unwrap_or_else(|error| match error {});
    assert_eq!(headers[1]["room"], "7");
    for headers in &headers {
        let message = Message::new("kafka", "booking.created");
        let result = message.process_blocking(headers, || Ok::<_, Infallible>(()));
        assert_eq!(result, Ok(()));
    }
    spans.check(
        r#"
        PRODUCER send booking.created
            · messaging.batch.message_count = 2
            · messaging.destination.name = "booking.created"
            · messaging.operation.name = "send"
            · messaging.operation.type = "send"
            · messaging.system = "kafka"
          CONSUMER process booking.created
              · messaging.destination.name = "booking.created"
              · messaging.operation.name = "process"
              · messaging.operation.type = "process"
              · messaging.system = "kafka"
              ~ link to PRODUCER send booking.created
          CONSUMER process booking.created
              · messaging.destination.name = "booking.created"
              · messaging.operation.name = "process"
              · messaging.operation.type = "process"
              · messaging.system = "kafka"
              ~ link to PRODUCER send booking.created
        "#,
    );
}

#[test]
fn one_that_is_given_up_is_marked_and_one_never_polled_leaves_nothing() {
    let spans = Recorded::start();
    drop(batch().process(ready(Ok::<_, Infallible>(()))));
    assert!(spans.finished().is_empty());
    let mut processing =
        Box::pin(batch().process(std::future::pending::<Result<(), Infallible>>()));
    assert!(poll_once(processing.as_mut()).is_pending());
    drop(processing);
    let [span] = &spans.finished()[..] else {
        panic!("one span")
    };
    let cancelled = span.attribute(otel_runtime::CANCELLED);
    assert_eq!(cancelled, Some(&opentelemetry::Value::Bool(true)));
}
