//! Log records as they come over OTLP.

use std::sync::Arc;

use opentelemetry::KeyValue;
use opentelemetry::trace::TraceFlags;
use opentelemetry_proto::tonic::common::v1::InstrumentationScope;
use opentelemetry_proto::tonic::logs::v1::{LogRecord as WireLogRecord, ResourceLogs};

use super::{attributes, resource, span_id, trace_id, value};
use crate::export::log_record::LogRecord;

/// Takes over what a sender recorded. An id of the wrong length or zero counts as none.
pub(crate) fn log_records(received: Vec<ResourceLogs>) -> Vec<LogRecord> {
    let mut records = Vec::new();
    for from_process in received {
        let resource = resource(from_process.resource);
        for from_scope in from_process.scope_logs {
            let scope = from_scope.scope.unwrap_or_default();
            let of_scope = from_scope.log_records.into_iter();
            records.extend(of_scope.map(|wire| record(wire, &scope, &resource)));
        }
    }
    records
}

fn record(
    wire: WireLogRecord,
    scope: &InstrumentationScope,
    resource: &Arc<[KeyValue]>,
) -> LogRecord {
    LogRecord {
        trace_id: trace_id(&wire.trace_id),
        span_id: span_id(&wire.span_id),
        // The upper bits are reserved.
        trace_flags: TraceFlags::new(wire.flags.to_le_bytes()[0]),
        time_unix_nanos: wire.time_unix_nano,
        severity_number: wire.severity_number,
        severity_text: wire.severity_text,
        body: value(wire.body.unwrap_or_default()),
        scope_name: scope.name.clone(),
        attributes: attributes(wire.attributes),
        resource: Arc::clone(resource),
    }
}
