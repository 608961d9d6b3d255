//! The finished spans of this process. What is installed is global: one test installs, the others do not.

use std::collections::HashMap;

use opentelemetry::baggage::BaggageExt;
use opentelemetry::propagation::{Extractor, Injector};
use opentelemetry::trace::{SpanKind, Status, TraceContextExt, Tracer, TracerProvider};
use opentelemetry::{Context, InstrumentationScope, KeyValue, global};
use otel_runtime::testing::Spans;

#[test]
fn installed_spans_keep_what_the_whole_process_records_and_propagate() {
    let spans = Spans::install();
    let tracer = global::tracer("app");

    let incoming = Headers(HashMap::from([
        (
            "traceparent",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-03",
        ),
        ("tracestate", "vendor=1"),
        ("baggage", "guest=ada"),
    ]));
    let parent = global::get_text_map_propagator(|propagator| propagator.extract(&incoming));
    let span = tracer.span_builder("GET /").with_kind(SpanKind::Server);
    let context = parent.with_span(span.start_with_context(&tracer, &parent));
    assert_eq!(
        context
            .baggage()
            .get("guest")
            .map(ToString::to_string)
            .as_deref(),
        Some("ada")
    );
    let mut outgoing = Outgoing::default();
    global::get_text_map_propagator(|propagator| {
        propagator.inject_context(&context, &mut outgoing);
    });
    context.span().end();

    let finished = spans.finished();
    let [server] = finished.as_slice() else {
        panic!("one span, not {finished:?}")
    };
    assert_eq!(
        server.trace_id.to_string(),
        "4bf92f3577b34da6a3ce929d0e0e4736"
    );
    assert_eq!(
        server.parent_span_id.map(|id| id.to_string()).as_deref(),
        Some("00f067aa0ba902b7")
    );
    assert!(server.parent_is_remote);
    assert_eq!(server.trace_state, "vendor=1");
    assert_eq!(spans.tree(), "SERVER GET / (remote parent)");
    let traceparent = outgoing
        .0
        .get("traceparent")
        .map(String::as_str)
        .unwrap_or_default();
    assert!(
        traceparent.starts_with("00-4bf92f3577b34da6a3ce929d0e0e4736-"),
        "{traceparent}"
    );
    assert_eq!(
        outgoing.0.get("baggage").map(String::as_str),
        Some("guest=ada")
    );

    std::thread::spawn(|| global::tracer("other").in_span("elsewhere", |_| {}))
        .join()
        .expect("ends");
    assert_eq!(spans.finished().len(), 2);
}

#[test]
fn all_that_the_sdk_records_is_there() {
    let spans = Spans::new();
    let scope = InstrumentationScope::builder("rooms")
        .with_version("1.2")
        .build();
    let tracer = spans.provider().tracer_with_scope(scope);
    tracer.in_span("room.list", |context| {
        let span = context.span();
        span.set_attribute(KeyValue::new("room.count", 2));
        span.add_event("loaded", vec![KeyValue::new("rows", 2)]);
        span.set_status(Status::error("closed"));
    });
    let span = spans.finished().remove(0);
    assert_eq!(
        (span.name.as_str(), span.kind.clone()),
        ("room.list", SpanKind::Internal)
    );
    assert_eq!(
        (span.scope_name.as_str(), span.scope_version.as_deref()),
        ("rooms", Some("1.2"))
    );
    assert_eq!(span.attribute("room.count"), Some(&2.into()));
    assert_eq!(span.attribute("absent"), None);
    let event = span.event("loaded").expect("the event");
    assert_eq!(event.attribute("rows"), Some(&2.into()));
    assert_eq!(span.event("absent"), None);
    assert_eq!(span.status, Status::error("closed"));
    assert_eq!((span.parent_span_id, span.parent_is_remote), (None, false));
    assert_eq!(span.service_name(), None);
    let times = span.start_unix_nanos..=span.end_unix_nanos;
    assert!(
        times.contains(&event.time_unix_nanos) && span.start_unix_nanos > 0,
        "{times:?}"
    );
}

#[test]
fn only_finished_spans_are_there_and_clones_share_them() {
    let spans = Spans::new();
    let tracer = spans.provider().tracer("test");
    let open = Context::current_with_span(tracer.start("open"));
    let shared = spans.clone();
    assert_eq!(shared.tree(), "");
    open.span().end();
    assert_eq!(shared.tree(), "INTERNAL open");
    spans.clear();
    assert_eq!(shared.tree(), "");
    tracer.start("after");
    assert_eq!(spans.tree(), "INTERNAL after");
}

#[test]
fn spans_stay_when_the_provider_is_shut_down() {
    let spans = Spans::new();
    spans.provider().tracer("test").start("before");
    assert!(spans.provider().shutdown().is_ok());
    assert_eq!(spans.tree(), "INTERNAL before");
}

#[test]
fn what_the_parent_did_not_sample_is_not_there() {
    let spans = Spans::new();
    let tracer = spans.provider().tracer("test");
    let unsampled = opentelemetry::trace::SpanContext::new(
        1.into(),
        1.into(),
        opentelemetry::trace::TraceFlags::default(),
        true,
        opentelemetry::trace::TraceState::default(),
    );
    tracer.start_with_context(
        "unsampled",
        &Context::new().with_remote_span_context(unsampled),
    );
    assert_eq!(spans.tree(), "");
}

struct Headers(HashMap<&'static str, &'static str>);

impl Extractor for Headers {
    fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key).copied()
    }

    fn keys(&self) -> Vec<&str> {
        self.0.keys().copied().collect()
    }
}

#[derive(Default)]
struct Outgoing(HashMap<String, String>);

impl Injector for Outgoing {
    fn set(&mut self, key: &str, value: String) {
        self.0.insert(key.to_owned(), value);
    }
}
