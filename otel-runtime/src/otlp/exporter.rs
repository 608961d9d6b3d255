//! Exports what the SDK hands out: spans, and log records.

use std::sync::Arc;
use std::time::Instant;

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans};
use opentelemetry_proto::transform::common::tonic::ResourceAttributesWithSchema;
use opentelemetry_proto::transform::trace::tonic::group_spans_by_resource_and_scope;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{SpanData, SpanExporter};
use prost::Message;

use super::{BuildError, Sender, Service, losses};
use crate::config::{Protocol, Signal};
use crate::delivery::{self, Deadline, MAX_REQUEST};
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
    ) -> Result<Self, BuildError> {
        Ok(Self {
            sender: Sender::new(service, protocol, signal)?,
            resource: ResourceAttributesWithSchema::default(),
            losses: Arc::new(losses(service, protocol, signal)),
            deadline: Arc::default(),
        })
    }

    /// What did not arrive.
    pub(crate) fn losses(&self) -> Arc<Losses> {
        Arc::clone(&self.losses)
    }

    /// To be told of a shutdown.
    pub(crate) fn deadline(&self) -> Arc<Deadline> {
        Arc::clone(&self.deadline)
    }

    fn send(&self, request: &impl Message, count: usize, limit: Instant) -> OTelSdkResult {
        let sent = delivery::export(count, || {
            let request = request.encode_to_vec();
            self.sender.send(request, count, limit, &*self.deadline)
        });
        self.losses.note(&sent);
        sent.map_err(|refused| refused.error)
    }

    /// In as many requests as it takes, all of which are tried.
    fn send_spans(&self, resource_spans: Vec<ResourceSpans>, limit: Instant) -> OTelSdkResult {
        let mut request = ExportTraceServiceRequest { resource_spans };
        let scopes = request.resource_spans.iter().flat_map(|of| &of.scope_spans);
        let count = scopes.map(|of| of.spans.len()).sum();
        if count < 2 || request.encoded_len() <= MAX_REQUEST {
            return self.send(&request, count, limit);
        }
        let rest = request.resource_spans.iter_mut().map(halve).collect();
        let first = self.send_spans(request.resource_spans, limit);
        first.and(self.send_spans(rest, limit))
    }
}

/// Takes half of the spans, or of their scopes where there are several.
fn halve(of_process: &mut ResourceSpans) -> ResourceSpans {
    let scope_spans = match &mut of_process.scope_spans[..] {
        [only] => vec![ScopeSpans {
            scope: only.scope.clone(),
            spans: only.spans.split_off(only.spans.len() / 2),
            schema_url: only.schema_url.clone(),
        }],
        several => {
            let half = several.len() / 2;
            of_process.scope_spans.split_off(half)
        }
    };
    ResourceSpans {
        resource: of_process.resource.clone(),
        scope_spans,
        schema_url: of_process.schema_url.clone(),
    }
}

impl SpanExporter for OtlpExporter {
    async fn export(&self, spans: Vec<SpanData>) -> OTelSdkResult {
        let resource_spans = group_spans_by_resource_and_scope(spans, &self.resource);
        self.send_spans(resource_spans, self.sender.limit())
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.resource = resource.into();
    }
}

#[cfg(feature = "logs")]
mod logs {
    use std::time::Instant;

    use opentelemetry::InstrumentationScope;
    use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
    use opentelemetry_proto::transform::logs::tonic::group_logs_by_resource_and_scope;
    use opentelemetry_sdk::Resource;
    use opentelemetry_sdk::error::OTelSdkResult;
    use opentelemetry_sdk::logs::{LogBatch, LogExporter, SdkLogRecord};
    use prost::Message as _;

    use super::OtlpExporter;
    use crate::delivery::MAX_REQUEST;

    impl OtlpExporter {
        /// In as many requests as it takes, all of which are tried.
        fn send_records(
            &self,
            records: &[(&SdkLogRecord, &InstrumentationScope)],
            limit: Instant,
        ) -> OTelSdkResult {
            let batch = LogBatch::new(records);
            let resource_logs = group_logs_by_resource_and_scope(&batch, &self.resource);
            let request = ExportLogsServiceRequest { resource_logs };
            if records.len() < 2 || request.encoded_len() <= MAX_REQUEST {
                return self.send(&request, records.len(), limit);
            }
            let (first, rest) = records.split_at(records.len() / 2);
            let first = self.send_records(first, limit);
            first.and(self.send_records(rest, limit))
        }
    }

    impl LogExporter for OtlpExporter {
        async fn export(&self, records: LogBatch<'_>) -> OTelSdkResult {
            let records: Vec<_> = records.iter().collect();
            self.send_records(&records, self.sender.limit())
        }

        fn set_resource(&mut self, resource: &Resource) {
            self.resource = resource.into();
        }
    }
}
