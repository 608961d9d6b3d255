//! Exporters for OTLP over HTTP and over gRPC. Endpoint, headers, time-out and compression are read from the
//! environment by `opentelemetry-otlp`.

use std::sync::Arc;
use std::time::Duration;

use opentelemetry_otlp::{Protocol, SpanExporter as OtlpExporter, WithExportConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::{OTelSdkError, OTelSdkResult};
use opentelemetry_sdk::trace::{SpanData, SpanExporter};
use tokio::runtime::{Handle, Runtime};

use super::InitError;

/// OTLP over HTTP, as protobuf. It runs on the batch processor's thread and needs no runtime.
pub(super) fn http() -> Result<OtlpExporter, InitError> {
    OtlpExporter::builder()
        .with_http()
        .with_protocol(Protocol::HttpBinary)
        .build()
        .map_err(|error| InitError::Exporter(Box::new(error)))
}

/// OTLP over gRPC. Its client needs a Tokio runtime, whatever the application runs on, so it brings one of one thread.
pub(super) fn grpc() -> Result<(OnRuntime, Runtime), InitError> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .thread_name("otel-runtime-grpc")
        .enable_all()
        .build()
        .map_err(|error| InitError::Exporter(Box::new(error)))?;
    let exporter = {
        let _entered = runtime.enter();
        OtlpExporter::builder()
            .with_tonic()
            .build()
            .map_err(|error| InitError::Exporter(Box::new(error)))?
    };
    let exporter = OnRuntime {
        exporter: Arc::new(exporter),
        runtime: runtime.handle().clone(),
    };
    Ok((exporter, runtime))
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
