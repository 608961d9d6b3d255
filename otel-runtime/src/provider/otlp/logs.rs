//! Log records over OTLP.

use std::sync::Arc;
use std::time::Duration;

use opentelemetry_otlp::{
    LogExporter as OtlpExporter, WithExportConfig as _, WithHttpConfig as _, WithTonicConfig as _,
};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::logs::{BatchConfigBuilder, BatchLogProcessor, LogBatch, LogExporter};

use super::http::{Cause, Client};
use super::{BuildError, ExportRuntime, OnRuntime, Reporting, by_http, losses};
use crate::config::{Batch, Protocol, Signal};
use crate::otlp as sender;
use crate::provider::logs::LogProcessor;
use crate::provider::{SDK_MAX_BATCH_SIZE, SDK_MAX_QUEUE_SIZE};

/// A batch processor that exports log records over OTLP.
pub(in crate::provider) fn log_processor(
    protocol: Protocol,
    signal: &Signal,
    runtime: &mut ExportRuntime,
) -> Result<LogProcessor, BuildError> {
    let runtime = runtime.handle()?;
    let _entered = runtime.enter();
    let cause = Cause::default();
    let exporter = match by_http(protocol)? {
        Some(protocol) => {
            let (client, url) = Client::new(signal, "/v1/logs", protocol, cause.clone())?;
            OtlpExporter::builder()
                .with_http()
                .with_protocol(protocol)
                .with_endpoint(url)
                .with_http_client(client)
                .build()
        }
        None => OtlpExporter::builder()
            .with_tonic()
            .with_channel(sender::channel(signal)?)
            .build(),
    }?;
    let exporter = OnRuntime::new(exporter, &runtime, signal.of_batch(), cause);
    let exporter = Reporting::new(exporter, losses("log records", protocol, signal));
    let losses = exporter.losses();
    Ok((batches_of(exporter, &signal.batch), losses))
}

pub(super) fn batches_of(exporter: impl LogExporter + 'static, batch: &Batch) -> BatchLogProcessor {
    let mut config = BatchConfigBuilder::default();
    if let Some(delay) = batch.schedule_delay {
        config = config.with_scheduled_delay(delay);
    }
    // The SDK would take a 0.
    let config = config
        .with_max_queue_size(batch.max_queue_size.unwrap_or(SDK_MAX_QUEUE_SIZE))
        .with_max_export_batch_size(batch.max_export_batch_size.unwrap_or(SDK_MAX_BATCH_SIZE));
    BatchLogProcessor::builder(exporter)
        .with_batch_config(config.build())
        .build()
}

impl LogExporter for OnRuntime<OtlpExporter> {
    async fn export(&self, batch: LogBatch<'_>) -> OTelSdkResult {
        // The batch is only lent, and what runs on the runtime may outlive this call.
        let records: Vec<_> = batch
            .iter()
            .map(|(record, scope)| (record.clone(), scope.clone()))
            .collect();
        self.run(|exporter| async move {
            let lent: Vec<_> = records
                .iter()
                .map(|(record, scope)| (record, scope))
                .collect();
            exporter.export(LogBatch::new(&lent)).await
        })
        .await
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.exporter.shutdown_with_timeout(timeout)
    }

    fn set_resource(&mut self, resource: &Resource) {
        // Nobody else holds the exporter before the first export.
        if let Some(exporter) = Arc::get_mut(&mut self.exporter) {
            exporter.set_resource(resource);
        }
    }
}
