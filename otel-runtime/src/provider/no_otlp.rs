//! What stands in for OTLP where the feature `otlp` is off.

use std::error::Error;

use opentelemetry_sdk::Resource;
#[cfg(feature = "logs")]
use opentelemetry_sdk::logs::BatchLogProcessor;
use opentelemetry_sdk::trace::BatchSpanProcessor;

use crate::config::{Protocol, Signal};
use crate::engine::recorder::Told;

/// What is said where the environment asks for OTLP.
const NOT_BUILT_IN: &str = "OTLP is asked for, by OTEL_EXPORTER_OTLP_ENDPOINT or OTEL_TRACES_EXPORTER or those of another signal, but otel-runtime was built without its feature `otlp`; add that, or unset them";

/// Refuses: the environment asks for what was not built in.
pub(super) fn output(
    _: Protocol,
    _: &Signal,
    _: &Resource,
) -> Result<Told, Box<dyn Error + Send + Sync>> {
    Err(NOT_BUILT_IN.into())
}

/// Refuses: the environment asks for what was not built in.
pub(super) fn span_processor(
    _: Protocol,
    _: &Signal,
) -> Result<BatchSpanProcessor, Box<dyn Error + Send + Sync>> {
    Err(NOT_BUILT_IN.into())
}

/// Refuses: the environment asks for what was not built in.
#[cfg(feature = "logs")]
pub(super) fn log_processor(
    _: Protocol,
    _: &Signal,
) -> Result<BatchLogProcessor, Box<dyn Error + Send + Sync>> {
    Err(NOT_BUILT_IN.into())
}
