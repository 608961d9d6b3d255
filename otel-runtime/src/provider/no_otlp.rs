//! What stands in for OTLP where the feature `otlp` is off.

use std::error::Error;

use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::BatchSpanProcessor;

use crate::config::{Protocol, Signal};
use crate::engine::recorder::Told;

/// There is no client, so nothing for one to run on.
#[derive(Debug, Default)]
pub(super) struct ExportRuntime(());

/// What is said where the environment asks for OTLP.
const NOT_BUILT_IN: &str =
    "OTLP is asked for, but otel-runtime was built without its feature `otlp`";

/// Refuses: the environment asks for what was not built in.
pub(super) fn output(
    _: Protocol,
    _: &Signal,
    _: &Resource,
) -> Result<Told, Box<dyn Error + Send + Sync>> {
    Err(NOT_BUILT_IN.into())
}

/// Refuses: the environment asks for what was not built in.
pub(super) fn printing_output(_: &Resource) -> Result<Told, Box<dyn Error + Send + Sync>> {
    Err(NOT_BUILT_IN.into())
}

/// Refuses: the environment asks for what was not built in.
pub(super) fn printing_span_processor(
    _: &Signal,
) -> Result<BatchSpanProcessor, Box<dyn Error + Send + Sync>> {
    Err(NOT_BUILT_IN.into())
}

/// Refuses: the environment asks for what was not built in.
pub(super) fn span_processor(
    _: Protocol,
    _: &Signal,
    _: &mut ExportRuntime,
) -> Result<BatchSpanProcessor, Box<dyn Error + Send + Sync>> {
    Err(NOT_BUILT_IN.into())
}

/// Refuses: the environment asks for what was not built in.
#[cfg(feature = "logs")]
pub(super) fn log_processor(
    _: Protocol,
    _: &Signal,
    _: &mut ExportRuntime,
) -> Result<super::logs::LogProcessor, Box<dyn Error + Send + Sync>> {
    Err(NOT_BUILT_IN.into())
}

/// Refuses: the environment asks for what was not built in.
#[cfg(feature = "logs")]
pub(super) fn printing_log_processor(
    _: &Signal,
) -> Result<super::logs::LogProcessor, Box<dyn Error + Send + Sync>> {
    Err(NOT_BUILT_IN.into())
}
