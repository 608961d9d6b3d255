//! What exports over OTLP: for the engine, and for the SDK.

use opentelemetry_sdk::Resource;
#[cfg(feature = "logs")]
use opentelemetry_sdk::logs::{BatchConfigBuilder, BatchLogProcessor, LogProcessor};
use opentelemetry_sdk::trace::{BatchSpanProcessor, SpanProcessor};

use super::batch_config;
use super::leaving::Leaving;
#[cfg(feature = "logs")]
use super::{SDK_MAX_BATCH_SIZE, SDK_MAX_QUEUE_SIZE};
use crate::config::{Protocol, Signal};
use crate::engine::recorder::Told;
use crate::otlp::{BuildError, OtlpExporter, OtlpOutput, Service, losses};

/// An output of the engine.
pub(super) fn output(
    protocol: Protocol,
    signal: &Signal,
    resource: &Resource,
) -> Result<Told, BuildError> {
    Ok(Told {
        output: Box::new(OtlpOutput::new(protocol, signal, resource)?),
        losses: losses(Service::Trace, protocol, signal),
    })
}

/// A batch processor of the SDK.
pub(super) fn span_processor(
    protocol: Protocol,
    signal: &Signal,
) -> Result<impl SpanProcessor + use<>, BuildError> {
    let exporter = OtlpExporter::new(Service::Trace, protocol, signal)?;
    Ok(Leaving::new(exporter, |exporter| {
        BatchSpanProcessor::builder(exporter)
            .with_batch_config(batch_config(&signal.batch))
            .build()
    }))
}

/// A batch processor of the SDK for log records.
#[cfg(feature = "logs")]
pub(super) fn log_processor(
    protocol: Protocol,
    signal: &Signal,
) -> Result<impl LogProcessor + use<>, BuildError> {
    let batch = &signal.batch;
    let mut config = BatchConfigBuilder::default();
    if let Some(delay) = batch.schedule_delay {
        config = config.with_scheduled_delay(delay);
    }
    // The SDK would take a 0.
    let config = config
        .with_max_queue_size(batch.max_queue_size.unwrap_or(SDK_MAX_QUEUE_SIZE))
        .with_max_export_batch_size(batch.max_export_batch_size.unwrap_or(SDK_MAX_BATCH_SIZE))
        .build();
    let exporter = OtlpExporter::new(Service::Logs, protocol, signal)?;
    Ok(Leaving::new(exporter, |exporter| {
        BatchLogProcessor::builder(exporter)
            .with_batch_config(config)
            .build()
    }))
}
