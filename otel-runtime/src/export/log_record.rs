//! A log record as plain data.

use std::sync::Arc;

use opentelemetry::trace::{SpanId, TraceFlags, TraceId};
use opentelemetry::{KeyValue, Value};

use super::record::{last, service_name};

/// A log record with all that came of it over OTLP.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct LogRecord {
    /// The trace it was written in, if any.
    pub trace_id: Option<TraceId>,
    /// The span it was written in, if any.
    pub span_id: Option<SpanId>,
    /// The flags of that span, such as whether it is sampled.
    pub trace_flags: TraceFlags,
    /// When it was written, in nanoseconds since the Unix epoch.
    pub time_unix_nanos: u64,
    /// How severe it is, from 1 (trace) over 5 (debug), 9 (info), 13 (warn) and 17 (error) to 24; 0 where that is not
    /// said.
    pub severity_number: i32,
    /// How severe it is, in the words of the sender.
    pub severity_text: String,
    /// What it says; an empty text where it says nothing.
    pub body: Value,
    /// The name of the instrumentation scope: what the `log` facade calls the target.
    pub scope_name: String,
    /// The attributes as they were recorded.
    pub attributes: Vec<KeyValue>,
    /// The attributes of the process that wrote it, sorted by key and shared by all its records.
    pub resource: Arc<[KeyValue]>,
}

impl LogRecord {
    /// The attribute of that key; the last one where it was set twice.
    #[must_use]
    pub fn attribute(&self, key: &str) -> Option<&Value> {
        last(&self.attributes, key)
    }

    /// `service.name` of the process that wrote it.
    #[must_use]
    pub fn service_name(&self) -> Option<&str> {
        service_name(&self.resource)
    }
}
