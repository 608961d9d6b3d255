//! `otlp/stdout`: OTLP as JSON on standard output, for a collector that reads what a container prints.
//! <https://opentelemetry.io/docs/specs/otel/protocol/file-exporter/>

use std::io::{self, Stdout, Write};
use std::sync::{Mutex, PoisonError};

use opentelemetry_proto::tonic::trace::v1::TracesData;
use opentelemetry_proto::transform::common::tonic::ResourceAttributesWithSchema;
use opentelemetry_proto::transform::trace::tonic::group_spans_by_resource_and_scope;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::{OTelSdkError, OTelSdkResult};
use opentelemetry_sdk::trace::{SpanData, SpanExporter};
use serde::Serialize;

use crate::otlp::json::finite_spans;

/// Prints each batch as one line.
#[derive(Debug)]
pub(crate) struct JsonLines<W> {
    writer: Mutex<W>,
    resource: ResourceAttributesWithSchema,
}

impl JsonLines<Stdout> {
    /// Prints to standard output.
    pub(crate) fn stdout() -> Self {
        Self::new(io::stdout())
    }
}

impl<W: Write> JsonLines<W> {
    fn new(writer: W) -> Self {
        Self {
            writer: Mutex::new(writer),
            resource: ResourceAttributesWithSchema::default(),
        }
    }

    /// At once, since others print too.
    fn print(&self, data: &impl Serialize) -> OTelSdkResult {
        let failed = |error: &dyn ToString| OTelSdkError::InternalFailure(error.to_string());
        let mut line = serde_json::to_vec(data).map_err(|error| failed(&error))?;
        line.push(b'\n');
        let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        writer
            .write_all(&line)
            .and_then(|()| writer.flush())
            .map_err(|error| failed(&error))
    }
}

impl<W: Write + Send + std::fmt::Debug> SpanExporter for JsonLines<W> {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let mut resource_spans = group_spans_by_resource_and_scope(batch, &self.resource);
        finite_spans(&mut resource_spans);
        self.print(&TracesData { resource_spans })
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.resource = resource.into();
    }
}

#[cfg(feature = "logs")]
mod logs {
    use std::io::Write;

    use opentelemetry_proto::tonic::logs::v1::LogsData;
    use opentelemetry_proto::transform::logs::tonic::group_logs_by_resource_and_scope;
    use opentelemetry_sdk::Resource;
    use opentelemetry_sdk::error::OTelSdkResult;
    use opentelemetry_sdk::logs::{LogBatch, LogExporter};

    use super::JsonLines;
    use crate::otlp::json::finite_logs;

    impl<W: Write + Send + std::fmt::Debug> LogExporter for JsonLines<W> {
        async fn export(&self, batch: LogBatch<'_>) -> OTelSdkResult {
            let mut resource_logs = group_logs_by_resource_and_scope(&batch, &self.resource);
            finite_logs(&mut resource_logs);
            self.print(&LogsData { resource_logs })
        }

        fn set_resource(&mut self, resource: &Resource) {
            self.resource = resource.into();
        }
    }
}
