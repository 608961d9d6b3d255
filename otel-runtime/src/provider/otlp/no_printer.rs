//! What stands in for printed OTLP where the feature `json` is off.

use opentelemetry_sdk::trace::BatchSpanProcessor;

use super::BuildError;
use crate::config::Signal;
use crate::engine::recorder::Told;
use crate::otlp::json::NOT_BUILT_IN;
#[cfg(feature = "logs")]
use crate::provider::logs::LogProcessor;

/// Refuses: the environment asks for what was not built in.
pub(in crate::provider) fn printing_output(
    _: &opentelemetry_sdk::Resource,
) -> Result<Told, BuildError> {
    Err(NOT_BUILT_IN.into())
}

/// Refuses: the environment asks for what was not built in.
pub(in crate::provider) fn printing_span_processor(
    _: &Signal,
) -> Result<BatchSpanProcessor, BuildError> {
    Err(NOT_BUILT_IN.into())
}

/// Refuses: the environment asks for what was not built in.
#[cfg(feature = "logs")]
pub(in crate::provider) fn printing_log_processor(_: &Signal) -> Result<LogProcessor, BuildError> {
    Err(NOT_BUILT_IN.into())
}
