//! What stands in for OTLP where the feature `otlp` is off.

use opentelemetry_sdk::trace::BatchSpanProcessor;

use super::InitError;
use crate::config::{Batch, Protocol};

/// There is no client, so nothing for one to run on.
#[derive(Debug, Default)]
pub(super) struct ExportRuntime(());

/// Refuses: the environment asks for what was not built in.
pub(super) fn processor(
    _: Protocol,
    _: Option<&str>,
    _: &Batch,
    _: &mut ExportRuntime,
) -> Result<BatchSpanProcessor, InitError> {
    Err(InitError::Exporter(
        "OTLP is asked for, but otel-runtime was built without its feature `otlp`".into(),
    ))
}
