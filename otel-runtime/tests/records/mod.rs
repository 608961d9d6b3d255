//! Span records made by hand, for the tests of trees.

use std::sync::LazyLock;

use opentelemetry::KeyValue;
use opentelemetry::trace::{SpanId, SpanKind, TraceId, Tracer, TracerProvider};
use otel_runtime::testing::{SpanRecord, Spans};

/// Where the times of all made spans begin.
pub(crate) const EPOCH_NANOS: u64 = 1_700_000_000_000_000_000;

/// A span of trace 1; no parent where its id is 0. Times in microseconds.
pub(crate) fn span(id: u64, parent: u64, name: &str, micros: std::ops::Range<u64>) -> SpanRecord {
    static BLANK: LazyLock<SpanRecord> = LazyLock::new(|| {
        let spans = Spans::new();
        spans.provider().tracer("test").start("blank");
        spans.finished().remove(0)
    });
    let mut span = BLANK.clone();
    span.trace_id = TraceId::from(1);
    span.span_id = SpanId::from(id);
    span.parent_span_id = (parent != 0).then(|| SpanId::from(parent));
    span.name = name.into();
    span.start_unix_nanos = EPOCH_NANOS + micros.start * 1000;
    span.end_unix_nanos = EPOCH_NANOS + micros.end * 1000;
    span
}

/// The same, of a kind and a service.
pub(crate) fn span_of(service: &str, kind: SpanKind, span: SpanRecord) -> SpanRecord {
    let mut span = span;
    span.kind = kind;
    span.resource = [KeyValue::new("service.name", service.to_owned())].into();
    span
}
