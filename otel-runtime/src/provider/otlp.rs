//! Exporters for OTLP over HTTP and over gRPC. Endpoint, headers, time-out and compression are read from the
//! environment by `opentelemetry-otlp`.

use std::sync::Arc;
use std::time::Duration;

use opentelemetry_otlp::{
    ExporterBuildError, Protocol as OtlpProtocol, SpanExporter as OtlpExporter,
    WithExportConfig as _,
};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::{OTelSdkError, OTelSdkResult};
use opentelemetry_sdk::trace::{BatchConfigBuilder, BatchSpanProcessor, SpanData, SpanExporter};
use tokio::runtime::{Handle, Runtime};

use super::InitError;
use super::reporting::Reporting;
use crate::config::{Batch, Protocol};

/// The runtime that the gRPC exporter's client runs on, where there is one.
#[derive(Debug, Default)]
pub(super) struct ExportRuntime(Option<Runtime>);

impl Drop for ExportRuntime {
    fn drop(&mut self) {
        // A runtime must not be dropped where it would have to be waited for, as in an async `main`.
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

/// A batch processor that exports over OTLP.
pub(super) fn processor(
    protocol: Protocol,
    endpoint: Option<&str>,
    batch: &Batch,
    runtime: &mut ExportRuntime,
) -> Result<BatchSpanProcessor, InitError> {
    Ok(match protocol {
        Protocol::HttpProtobuf => {
            let exporter = http().map_err(|error| InitError::Exporter(Box::new(error)))?;
            let target = format!("{} by HTTP", endpoint.unwrap_or("http://localhost:4318"));
            batched(exporter, target, batch)
        }
        Protocol::Grpc => {
            let own = grpc_runtime().map_err(|error| InitError::Exporter(Box::new(error)))?;
            let exporter = grpc(&own).map_err(|error| InitError::Exporter(Box::new(error)))?;
            runtime.0 = Some(own);
            let target = format!("{} by gRPC", endpoint.unwrap_or("http://localhost:4317"));
            batched(exporter, target, batch)
        }
    })
}

/// Protobuf over HTTP. The client works on the batch processor's thread and needs no runtime.
fn http() -> Result<OtlpExporter, ExporterBuildError> {
    OtlpExporter::builder()
        .with_http()
        .with_protocol(OtlpProtocol::HttpBinary)
        .build()
}

/// The gRPC client needs a Tokio runtime, whatever the application runs on, so it brings one of one thread.
fn grpc_runtime() -> std::io::Result<Runtime> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .thread_name("otel-runtime-grpc")
        .enable_all()
        .build()
}

fn grpc(runtime: &Runtime) -> Result<OnRuntime, ExporterBuildError> {
    let _entered = runtime.enter();
    let exporter = OtlpExporter::builder().with_tonic().build()?;
    Ok(OnRuntime {
        exporter: Arc::new(exporter),
        runtime: runtime.handle().clone(),
    })
}

fn batched(
    exporter: impl SpanExporter + 'static,
    target: String,
    batch: &Batch,
) -> BatchSpanProcessor {
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
    BatchSpanProcessor::builder(Reporting::new(exporter, target))
        .with_batch_config(config.build())
        .build()
}

/// An exporter whose work is done on a runtime of its own.
#[derive(Debug)]
pub(super) struct OnRuntime {
    exporter: Arc<OtlpExporter>,
    runtime: Handle,
}

impl SpanExporter for OnRuntime {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let exporter = Arc::clone(&self.exporter);
        self.runtime
            .spawn(async move { exporter.export(batch).await })
            .await
            .unwrap_or_else(|error| Err(OTelSdkError::InternalFailure(error.to_string())))
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.exporter.shutdown_with_timeout(timeout)
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.exporter.force_flush()
    }

    fn set_resource(&mut self, resource: &Resource) {
        // Nobody else holds the exporter before the first export.
        if let Some(exporter) = Arc::get_mut(&mut self.exporter) {
            exporter.set_resource(resource);
        }
    }
}
