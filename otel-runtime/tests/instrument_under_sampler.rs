//! A sampler that decides for each span sees what the spans of functions and of the instrumentations start with, from the first
//! one on, also where the engine records them.

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::{Arc, Mutex, PoisonError};

use opentelemetry::trace::{Link, SpanKind, TraceContextExt as _, TraceFlags, TraceId, TraceState};
use opentelemetry::{Context, KeyValue};
use opentelemetry_sdk::trace::{SamplingDecision, SamplingResult, ShouldSample};
use otel_runtime::instrument::messaging::Message;
use otel_runtime::testing::Spans;
use otel_runtime::{span_attr, traced_span};

/// Leaves out what goes to `noise`, and keeps what it sees.
#[derive(Clone, Debug, Default)]
struct Choosy(Arc<Mutex<Vec<String>>>);

impl ShouldSample for Choosy {
    fn should_sample(
        &self,
        _: Option<&Context>,
        _: TraceId,
        name: &str,
        kind: &SpanKind,
        attributes: &[KeyValue],
        links: &[Link],
    ) -> SamplingResult {
        let keys: Vec<_> = attributes.iter().map(|pair| pair.key.as_str()).collect();
        let seen = format!("{kind:?} {name}: {} links, {}", links.len(), keys.join(" "));
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.push(seen);
        SamplingResult {
            decision: if name.ends_with("noise") {
                SamplingDecision::Drop
            } else {
                SamplingDecision::RecordAndSample
            },
            attributes: vec![KeyValue::new("sampled.by", "us")],
            trace_state: TraceState::NONE,
        }
    }
}

fn send(destination: &'static str) -> HashMap<String, String> {
    let message = Message::new("rabbitmq", destination).body_size(7);
    let sent = message.send_blocking(HashMap::new(), |headers| {
        let flags = Context::current().span().span_context().trace_flags();
        assert_eq!(flags == TraceFlags::SAMPLED, destination != "noise");
        Ok::<_, Infallible>(headers)
    });
    sent.unwrap_or_else(|error| match error {})
}

#[traced_span("first")]
#[span_attr("number" = 1)]
fn first() {}

#[test]
fn a_sampler_sees_what_spans_start_with() {
    let spans = Spans::new();
    let sampler = Choosy::default();
    let telemetry = otel_runtime::builder()
        .batch_span_exporter(spans.exporter())
        .sampler(sampler.clone())
        .init()
        .expect("telemetry starts");
    first();
    let headers = send("booking.created");
    assert!(headers["traceparent"].ends_with("-01"), "{headers:?}");
    let headers_of_noise = send("noise");
    assert!(
        headers_of_noise["traceparent"].ends_with("-00"),
        "{headers_of_noise:?}"
    );
    let processed = Message::new("rabbitmq", "booking.created")
        .process_blocking(&headers, || Ok::<_, Infallible>(()));
    assert_eq!(processed, Ok(()));
    telemetry.force_flush().expect("spans are exported");

    let operation = "messaging.operation.name messaging.operation.type";
    let whereto = "messaging.system messaging.destination.name";
    let seen = sampler.0.lock().unwrap_or_else(PoisonError::into_inner);
    assert_eq!(
        *seen,
        [
            "Internal first: 0 links, number".to_owned(),
            format!(
                "Producer send booking.created: 0 links, {operation} messaging.message.body.size {whereto}"
            ),
            format!(
                "Producer send noise: 0 links, {operation} messaging.message.body.size {whereto}"
            ),
            format!("Consumer process booking.created: 1 links, {operation} {whereto}"),
        ]
    );
    assert_eq!(
        spans.tree(),
        "INTERNAL first\nPRODUCER send booking.created\n  CONSUMER process booking.created"
    );
    let tree = spans.tree_with_attributes();
    assert_eq!(tree.matches("sampled.by = \"us\"").count(), 3, "{tree}");
}
