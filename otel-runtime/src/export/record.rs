//! A finished span as plain data, whatever way it came.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use opentelemetry::trace::{Event, Link, SpanId, SpanKind, Status, TraceId};
use opentelemetry::{KeyValue, Value};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::SpanData;

/// A finished span with all that was recorded of it, whether it came from the SDK or over OTLP.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct SpanRecord {
    /// The trace it belongs to.
    pub trace_id: TraceId,
    /// Its own id.
    pub span_id: SpanId,
    /// The span that caused it; `None` for the first span of a trace.
    pub parent_span_id: Option<SpanId>,
    /// Whether the parent was recorded in another process, as far as the sender knows.
    pub parent_is_remote: bool,
    /// The W3C `tracestate` header of its context; empty when there is none.
    pub trace_state: String,
    /// The name.
    pub name: String,
    /// The kind.
    pub kind: SpanKind,
    /// The name of the instrumentation scope.
    pub scope_name: String,
    /// The version of the instrumentation scope.
    pub scope_version: Option<String>,
    /// The start, in nanoseconds since the Unix epoch.
    pub start_unix_nanos: u64,
    /// The end, in nanoseconds since the Unix epoch.
    pub end_unix_nanos: u64,
    /// The status, with the description of an error.
    pub status: Status,
    /// The attributes as they were recorded: a key set twice may be here twice.
    pub attributes: Vec<KeyValue>,
    /// The events, in the order they were recorded.
    pub events: Vec<EventRecord>,
    /// The links, in the order they were recorded.
    pub links: Vec<LinkRecord>,
    /// How many attributes the span's limits cut off.
    pub dropped_attributes: u32,
    /// How many events the span's limits cut off.
    pub dropped_events: u32,
    /// How many links the span's limits cut off.
    pub dropped_links: u32,
    /// The attributes of the process that recorded it, sorted by key and shared by all its spans.
    pub resource: Arc<[KeyValue]>,
}

/// An event of a finished span.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct EventRecord {
    /// The name.
    pub name: String,
    /// When it happened, in nanoseconds since the Unix epoch.
    pub time_unix_nanos: u64,
    /// The attributes as they were recorded.
    pub attributes: Vec<KeyValue>,
    /// How many attributes the limits cut off.
    pub dropped_attributes: u32,
}

/// A link of a finished span to another one.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct LinkRecord {
    /// The trace of the linked span.
    pub trace_id: TraceId,
    /// The linked span.
    pub span_id: SpanId,
    /// The attributes as they were recorded.
    pub attributes: Vec<KeyValue>,
    /// How many attributes the limits cut off.
    pub dropped_attributes: u32,
}

impl SpanRecord {
    /// Takes over what the SDK recorded; `resource` comes from [`shared_resource`].
    pub(crate) fn from_sdk(span: SpanData, resource: &Arc<[KeyValue]>) -> Self {
        let context = span.span_context;
        let scope = span.instrumentation_scope;
        Self {
            trace_id: context.trace_id(),
            span_id: context.span_id(),
            parent_span_id: Some(span.parent_span_id).filter(|id| *id != SpanId::INVALID),
            parent_is_remote: span.parent_span_is_remote,
            trace_state: context.trace_state().header(),
            name: span.name.into_owned(),
            kind: span.span_kind,
            scope_name: scope.name().to_owned(),
            scope_version: scope.version().map(str::to_owned),
            start_unix_nanos: unix_nanos(span.start_time),
            end_unix_nanos: unix_nanos(span.end_time),
            status: span.status,
            attributes: span.attributes,
            dropped_events: span.events.dropped_count,
            events: span.events.into_iter().map(EventRecord::from_sdk).collect(),
            dropped_links: span.links.dropped_count,
            links: span.links.into_iter().map(LinkRecord::from_sdk).collect(),
            dropped_attributes: span.dropped_attributes_count,
            resource: Arc::clone(resource),
        }
    }

    /// `service.name` of the process that recorded it.
    #[must_use]
    pub fn service_name(&self) -> Option<&str> {
        service_name(&self.resource)
    }
}

/// What only assertions ask.
#[cfg(feature = "testing")]
impl SpanRecord {
    /// The attribute of that key; the last one where it was set twice.
    #[must_use]
    pub fn attribute(&self, key: &str) -> Option<&Value> {
        last(&self.attributes, key)
    }

    /// The first event of that name.
    #[must_use]
    pub fn event(&self, name: &str) -> Option<&EventRecord> {
        self.events.iter().find(|event| event.name == name)
    }
}

#[cfg(feature = "testing")]
impl EventRecord {
    /// The attribute of that key; the last one where it was set twice.
    #[must_use]
    pub fn attribute(&self, key: &str) -> Option<&Value> {
        last(&self.attributes, key)
    }
}

impl EventRecord {
    fn from_sdk(event: Event) -> Self {
        Self {
            name: event.name.into_owned(),
            time_unix_nanos: unix_nanos(event.timestamp),
            attributes: event.attributes,
            dropped_attributes: event.dropped_attributes_count,
        }
    }
}

impl LinkRecord {
    fn from_sdk(link: Link) -> Self {
        Self {
            trace_id: link.span_context.trace_id(),
            span_id: link.span_context.span_id(),
            attributes: link.attributes,
            dropped_attributes: link.dropped_attributes_count,
        }
    }
}

/// The resource in the form that spans share, sorted so that it reads the same each time.
pub(crate) fn shared_resource(resource: &Resource) -> Arc<[KeyValue]> {
    let mut attributes: Vec<_> = resource
        .iter()
        .map(|(key, value)| KeyValue::new(key.clone(), value.clone()))
        .collect();
    attributes.sort_by(|a, b| a.key.cmp(&b.key));
    attributes.into()
}

/// The name of the process that a resource describes.
pub(super) fn service_name(resource: &[KeyValue]) -> Option<&str> {
    match last(resource, "service.name") {
        Some(Value::String(name)) => Some(name.as_str()),
        _ => None,
    }
}

/// The last value of that key.
pub(super) fn last<'a>(attributes: &'a [KeyValue], key: &str) -> Option<&'a Value> {
    attributes
        .iter()
        .rev()
        .find(|attribute| attribute.key.as_str() == key)
        .map(|found| &found.value)
}

/// Times before 1970 become 0, times after 2554 the greatest there is.
fn unix_nanos(time: SystemTime) -> u64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}
