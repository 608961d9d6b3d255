//! Log records over OTLP.

use std::sync::Arc;
use std::time::Duration;

use opentelemetry_otlp::{
    LogExporter as OtlpExporter, Protocol as OtlpProtocol, WithExportConfig as _,
    WithHttpConfig as _,
};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::logs::{BatchConfigBuilder, BatchLogProcessor, LogBatch, LogExporter};

use super::{BuildError, ExportRuntime, OnRuntime, exporting, http_client};
use crate::config::{Protocol, Signal};

/// A batch processor that exports log records over OTLP.
pub(in crate::provider) fn log_processor(
    protocol: Protocol,
    signal: &Signal,
    runtime: &mut ExportRuntime,
) -> Result<BatchLogProcessor, BuildError> {
    let runtime = runtime.handle()?;
    let _entered = runtime.enter();
    let exporter = match protocol {
        Protocol::HttpProtobuf => OtlpExporter::builder()
            .with_http()
            .with_protocol(OtlpProtocol::HttpBinary)
            .with_http_client(http_client(signal.timeout)?)
            .build(),
        Protocol::Grpc => OtlpExporter::builder().with_tonic().build(),
    }?;
    let exporter = exporting("log records", exporter, protocol, signal, runtime.clone());
    let batch = &signal.batch;
    let mut config = BatchConfigBuilder::default();
    if let Some(delay) = batch.schedule_delay {
        config = config.with_scheduled_delay(delay);
    }
    if let Some(size) = batch.max_queue_size {
        config = config.with_max_queue_size(size);
    }
    if let Some(size) = batch.max_export_batch_size {
        config = config.with_max_export_batch_size(size);
    }
    Ok(BatchLogProcessor::builder(exporter)
        .with_batch_config(config.build())
        .build())
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
