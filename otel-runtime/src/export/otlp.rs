//! What comes over OTLP: here finished spans.

use std::fmt::Write;
use std::sync::Arc;

use opentelemetry::trace::{SpanId, SpanKind, Status, TraceId};
use opentelemetry::{Array, KeyValue, StringValue, Value};
use opentelemetry_proto::tonic::common::v1::any_value::Value as Wire;
use opentelemetry_proto::tonic::common::v1::{
    AnyValue, InstrumentationScope, KeyValue as WireKeyValue,
};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::span::{Event, Link};
use opentelemetry_proto::tonic::trace::v1::{
    ResourceSpans, Span, SpanFlags, Status as WireStatus, span, status,
};

use super::record::{EventRecord, LinkRecord, SpanRecord};
use super::text;

mod logs;

pub(crate) use logs::log_records;

/// Takes over what a sender recorded. The number tells how many spans were left out because their trace id, their
/// span id or the parent's is of the wrong length or zero.
pub(crate) fn records(received: Vec<ResourceSpans>) -> (Vec<SpanRecord>, usize) {
    let mut records = Vec::new();
    let mut invalid = 0;
    for from_process in received {
        let resource = resource(from_process.resource);
        for from_scope in from_process.scope_spans {
            let scope = from_scope.scope.unwrap_or_default();
            for span in from_scope.spans {
                match record(span, &scope, &resource) {
                    Some(record) => records.push(record),
                    None => invalid += 1,
                }
            }
        }
    }
    (records, invalid)
}

fn record(
    span: Span,
    scope: &InstrumentationScope,
    resource: &Arc<[KeyValue]>,
) -> Option<SpanRecord> {
    let kind = span.kind();
    let sent_links = span.links.len();
    let links: Vec<_> = span.links.into_iter().filter_map(link).collect();
    let invalid_links = u32::try_from(sent_links - links.len()).unwrap_or(u32::MAX);
    Some(SpanRecord {
        trace_id: trace_id(&span.trace_id)?,
        span_id: span_id(&span.span_id)?,
        parent_span_id: if span.parent_span_id.is_empty() {
            None
        } else {
            Some(span_id(&span.parent_span_id)?)
        },
        parent_is_remote: span.flags & SpanFlags::ContextIsRemoteMask as u32 != 0,
        trace_state: span.trace_state,
        name: span.name,
        kind: match kind {
            // The protocol's own advice for a kind that is not given.
            span::SpanKind::Unspecified | span::SpanKind::Internal => SpanKind::Internal,
            span::SpanKind::Server => SpanKind::Server,
            span::SpanKind::Client => SpanKind::Client,
            span::SpanKind::Producer => SpanKind::Producer,
            span::SpanKind::Consumer => SpanKind::Consumer,
        },
        scope_name: scope.name.clone(),
        scope_version: Some(scope.version.clone()).filter(|version| !version.is_empty()),
        start_unix_nanos: span.start_time_unix_nano,
        end_unix_nanos: span.end_time_unix_nano,
        status: span.status.map_or(Status::Unset, status),
        attributes: attributes(span.attributes),
        events: span.events.into_iter().map(event).collect(),
        dropped_links: span.dropped_links_count.saturating_add(invalid_links),
        links,
        dropped_attributes: span.dropped_attributes_count,
        dropped_events: span.dropped_events_count,
        resource: Arc::clone(resource),
    })
}

fn event(event: Event) -> EventRecord {
    EventRecord {
        name: event.name,
        time_unix_nanos: event.time_unix_nano,
        attributes: attributes(event.attributes),
        dropped_attributes: event.dropped_attributes_count,
    }
}

fn link(link: Link) -> Option<LinkRecord> {
    Some(LinkRecord {
        trace_id: trace_id(&link.trace_id)?,
        span_id: span_id(&link.span_id)?,
        attributes: attributes(link.attributes),
        dropped_attributes: link.dropped_attributes_count,
    })
}

fn status(status: WireStatus) -> Status {
    match status.code() {
        status::StatusCode::Unset => Status::Unset,
        status::StatusCode::Ok => Status::Ok,
        status::StatusCode::Error => Status::error(status.message),
    }
}

/// What describes a process, sorted by key.
fn resource(received: Option<Resource>) -> Arc<[KeyValue]> {
    let mut resource = attributes(received.unwrap_or_default().attributes);
    resource.sort_by(|a, b| a.key.cmp(&b.key));
    resource.into()
}

fn trace_id(bytes: &[u8]) -> Option<TraceId> {
    bytes
        .try_into()
        .ok()
        .map(TraceId::from_bytes)
        .filter(|id| *id != TraceId::INVALID)
}

fn span_id(bytes: &[u8]) -> Option<SpanId> {
    bytes
        .try_into()
        .ok()
        .map(SpanId::from_bytes)
        .filter(|id| *id != SpanId::INVALID)
}

fn attributes(received: Vec<WireKeyValue>) -> Vec<KeyValue> {
    received
        .into_iter()
        .map(|attribute| KeyValue::new(attribute.key, value(attribute.value.unwrap_or_default())))
        .collect()
}

/// What the API's [`Value`] has no type for (maps, bytes, mixed or nested arrays) becomes its text.
fn value(received: AnyValue) -> Value {
    match received.value {
        Some(Wire::BoolValue(value)) => Value::Bool(value),
        Some(Wire::IntValue(value)) => Value::I64(value),
        Some(Wire::DoubleValue(value)) => Value::F64(value),
        Some(Wire::StringValue(value)) => Value::String(value.into()),
        Some(Wire::ArrayValue(array)) => Value::Array(homogeneous(&array.values)),
        other => Value::String(to_text(&AnyValue { value: other }).into()),
    }
}

fn homogeneous(values: &[AnyValue]) -> Array {
    /// All elements as `T`, or none.
    fn all<T>(values: &[AnyValue], pick: impl Fn(&Wire) -> Option<T>) -> Option<Vec<T>> {
        values
            .iter()
            .map(|value| value.value.as_ref().and_then(&pick))
            .collect()
    }
    let strings = |value: &Wire| match value {
        Wire::StringValue(text) => Some(StringValue::from(text.clone())),
        _ => None,
    };
    let integers = |value: &Wire| {
        if let Wire::IntValue(number) = value {
            Some(*number)
        } else {
            None
        }
    };
    let floats = |value: &Wire| {
        if let Wire::DoubleValue(number) = value {
            Some(*number)
        } else {
            None
        }
    };
    let bools = |value: &Wire| {
        if let Wire::BoolValue(flag) = value {
            Some(*flag)
        } else {
            None
        }
    };
    all(values, strings)
        .map(Array::String)
        .or_else(|| all(values, integers).map(Array::I64))
        .or_else(|| all(values, floats).map(Array::F64))
        .or_else(|| all(values, bools).map(Array::Bool))
        .unwrap_or_else(|| {
            Array::String(values.iter().map(|value| to_text(value).into()).collect())
        })
}

/// Close to JSON; bytes as hexadecimal digits. The wire format's own limit on nesting bounds the recursion.
fn to_text(value: &AnyValue) -> String {
    match &value.value {
        None => String::new(),
        Some(Wire::StringValue(value)) => value.clone(),
        Some(Wire::BoolValue(value)) => value.to_string(),
        Some(Wire::IntValue(value)) => value.to_string(),
        Some(Wire::DoubleValue(value)) => format!("{value:?}"),
        Some(Wire::BytesValue(bytes)) => bytes.iter().fold(String::new(), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        }),
        Some(Wire::StringValueStrindex(index)) => format!("string {index}"),
        Some(Wire::ArrayValue(array)) => {
            let elements: Vec<_> = array.values.iter().map(nested_text).collect();
            format!("[{}]", elements.join(", "))
        }
        Some(Wire::KvlistValue(map)) => {
            let entry = |entry: &WireKeyValue| {
                let value = entry.value.as_ref().map_or_else(String::new, nested_text);
                format!("{}: {value}", text::quoted(&entry.key))
            };
            let entries: Vec<_> = map.values.iter().map(entry).collect();
            format!("{{{}}}", entries.join(", "))
        }
    }
}

fn nested_text(value: &AnyValue) -> String {
    match &value.value {
        Some(Wire::StringValue(value)) => text::quoted(value),
        _ => to_text(value),
    }
}
