//! Exports what the SDK hands out: spans, and log records.

use std::sync::Arc;

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::transform::common::tonic::ResourceAttributesWithSchema;
use opentelemetry_proto::transform::trace::tonic::group_spans_by_resource_and_scope;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{SpanData, SpanExporter};
use prost::Message;

use super::{BuildError, Sender, Service, losses};
use crate::config::{Protocol, Signal};
use crate::delivery::Deadline;
use crate::losses::Losses;

/// Sends spans or log records to one place, and says when some are lost. It is to be called by a thread that may wait.
#[derive(Debug)]
pub(crate) struct OtlpExporter {
    sender: Sender,
    resource: ResourceAttributesWithSchema,
    losses: Arc<Losses>,
    deadline: Arc<Deadline>,
}

impl OtlpExporter {
    pub(crate) fn new(
        service: Service,
        protocol: Protocol,
        signal: &Signal,
        deadline: &Arc<Deadline>,
    ) -> Result<Self, BuildError> {
        Ok(Self {
            sender: Sender::new(service, protocol, signal)?,
            resource: ResourceAttributesWithSchema::default(),
            losses: Arc::new(losses(service, protocol, signal)),
            deadline: Arc::clone(deadline),
        })
    }

    /// What did not arrive.
    #[cfg(feature = "logs")]
    pub(crate) fn losses(&self) -> Arc<Losses> {
        Arc::clone(&self.losses)
    }

    fn send(&self, request: &impl Message, count: usize) -> OTelSdkResult {
        let request = request.encode_to_vec();
        match self.sender.send(request, count, &*self.deadline) {
            Ok(()) => {
                self.losses.none();
                Ok(())
            }
            Err(refused) => {
                self.losses.some(refused.count, &refused.error);
                Err(refused.error)
            }
        }
    }
}

impl SpanExporter for OtlpExporter {
    async fn export(&self, spans: Vec<SpanData>) -> OTelSdkResult {
        let count = spans.len();
        let resource_spans = group_spans_by_resource_and_scope(spans, &self.resource);
        self.send(&ExportTraceServiceRequest { resource_spans }, count)
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.resource = resource.into();
    }
}

#[cfg(feature = "logs")]
mod logs {
    use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
    use opentelemetry_proto::transform::logs::tonic::group_logs_by_resource_and_scope;
    use opentelemetry_sdk::Resource;
    use opentelemetry_sdk::error::OTelSdkResult;
    use opentelemetry_sdk::logs::{LogBatch, LogExporter};

    use super::OtlpExporter;

    impl LogExporter for OtlpExporter {
        async fn export(&self, records: LogBatch<'_>) -> OTelSdkResult {
            let resource_logs = group_logs_by_resource_and_scope(&records, &self.resource);
            self.send(
                &ExportLogsServiceRequest { resource_logs },
                records.iter().count(),
            )
        }

        fn set_resource(&mut self, resource: &Resource) {
            self.resource = resource.into();
        }
    }
}
