//! Exporters for OTLP over HTTP and over gRPC, here of spans: of the engine, and of the SDK. For the SDK's,
//! `opentelemetry-otlp` reads headers and compression from the environment by itself.

mod http;
#[cfg(feature = "logs")]
mod logs;
#[cfg(feature = "json")]
mod printer;
#[cfg(not(feature = "json"))]
#[path = "otlp/no_printer.rs"]
mod printer;

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use opentelemetry::Context;
use opentelemetry_otlp::{
    Protocol as OtlpProtocol, SpanExporter as OtlpExporter, WithExportConfig as _,
    WithHttpConfig as _, WithTonicConfig as _,
};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::{OTelSdkError, OTelSdkResult};
use opentelemetry_sdk::trace::{BatchSpanProcessor, SpanData, SpanExporter};
use tokio::runtime::{Handle, Runtime};

use self::http::{Cause, Client};
#[cfg(feature = "logs")]
pub(super) use self::logs::log_processor;
#[cfg(feature = "logs")]
pub(super) use self::printer::printing_log_processor;
pub(super) use self::printer::{printing_output, printing_span_processor};
use super::batch_config;
use super::reporting::Reporting;
use crate::config::{Batch, Protocol, Signal};
use crate::engine::recorder::Told;
use crate::losses::Losses;
use crate::otlp::{self as sender, OtlpOutput};

/// Why an exporter cannot be built.
type BuildError = Box<dyn Error + Send + Sync>;

/// The runtime that the exporters' clients run on, where there is one.
///
/// Both clients need Tokio, whatever the application runs on. Its threads are the clients' own, with telemetry
/// suppressed: what a client logs while it exports is not exported in turn.
#[derive(Debug, Default)]
pub(super) struct ExportRuntime(Option<Runtime>);

impl ExportRuntime {
    fn handle(&mut self) -> std::io::Result<Handle> {
        let runtime = match self.0.take() {
            Some(runtime) => runtime,
            None => start_runtime()?,
        };
        Ok(self.0.insert(runtime).handle().clone())
    }
}

impl Drop for ExportRuntime {
    fn drop(&mut self) {
        // A runtime must not be dropped where it would have to be waited for, as in an async `main`.
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

fn start_runtime() -> std::io::Result<Runtime> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .thread_name("otel-runtime-export")
        // Never undone: nothing else runs on these threads.
        .on_thread_start(|| std::mem::forget(Context::enter_telemetry_suppressed_scope()))
        .enable_all()
        .build()
}

/// An output of the engine.
pub(super) fn output(
    protocol: Protocol,
    signal: &Signal,
    resource: &Resource,
) -> Result<Told, BuildError> {
    Ok(Told {
        output: Box::new(OtlpOutput::new(protocol, signal, resource)?),
        losses: losses("spans", protocol, signal),
    })
}

/// A batch processor of the SDK.
pub(super) fn span_processor(
    protocol: Protocol,
    signal: &Signal,
    runtime: &mut ExportRuntime,
) -> Result<BatchSpanProcessor, BuildError> {
    let runtime = runtime.handle()?;
    let _entered = runtime.enter();
    let cause = Cause::default();
    let exporter = match by_http(protocol)? {
        Some(protocol) => {
            let (client, url) = Client::new(signal, "/v1/traces", protocol, cause.clone())?;
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
    let exporter = Reporting::new(exporter, losses("spans", protocol, signal));
    Ok(batches_of(exporter, &signal.batch))
}

fn batches_of(exporter: impl SpanExporter + 'static, batch: &Batch) -> BatchSpanProcessor {
    BatchSpanProcessor::builder(exporter)
        .with_batch_config(batch_config(batch))
        .build()
}

/// How the bodies of HTTP are encoded, where it is HTTP.
fn by_http(protocol: Protocol) -> Result<Option<OtlpProtocol>, BuildError> {
    Ok(match protocol {
        Protocol::HttpProtobuf => Some(OtlpProtocol::HttpBinary),
        Protocol::HttpJson => Some(sender::json::protocol()?),
        Protocol::Grpc => None,
    })
}

fn losses(what: &'static str, protocol: Protocol, signal: &Signal) -> Losses {
    let (default, by) = match protocol {
        Protocol::HttpProtobuf | Protocol::HttpJson => ("http://localhost:4318", "HTTP"),
        Protocol::Grpc => ("http://localhost:4317", "gRPC"),
    };
    let endpoint = signal.endpoint.as_deref().unwrap_or(default);
    let endpoint = sender::told(endpoint);
    Losses::new(what, format!("{endpoint} by {by}"))
}

/// An exporter whose work is done on a runtime.
#[derive(Debug)]
struct OnRuntime<E> {
    exporter: Arc<E>,
    runtime: Handle,
    /// Of one batch, with all that is tried again.
    timeout: Duration,
    cause: Cause,
}

impl<E> OnRuntime<E> {
    fn new(exporter: E, runtime: &Handle, timeout: Duration, cause: Cause) -> Self {
        Self {
            exporter: Arc::new(exporter),
            runtime: runtime.clone(),
            timeout,
            cause,
        }
    }

    /// Waits for what is done on the runtime; an error where it is gone already.
    async fn run<F>(&self, export: impl FnOnce(Arc<E>) -> F) -> OTelSdkResult
    where
        F: Future<Output = OTelSdkResult> + Send + 'static,
    {
        let export = export(Arc::clone(&self.exporter));
        let timeout = self.timeout;
        let done = self.runtime.spawn(async move {
            tokio::time::timeout(timeout, export)
                .await
                .unwrap_or(Err(OTelSdkError::Timeout(timeout)))
        });
        done.await
            .unwrap_or_else(|error| Err(OTelSdkError::InternalFailure(error.to_string())))
            .map_err(|error| self.cause.complete(error))
    }
}

impl SpanExporter for OnRuntime<OtlpExporter> {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        self.run(|exporter| async move { exporter.export(batch).await })
            .await
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
            SpanExporter::set_resource(exporter, resource);
        }
    }
}
