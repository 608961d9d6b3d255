//! What stands in for JSON where the feature `json` is off.

use opentelemetry_otlp::Protocol;

use super::BuildError;
use super::http::Encoding;

/// What is said where the environment asks for JSON.
pub(crate) const NOT_BUILT_IN: &str = "OTLP as JSON is asked for, but otel-runtime was built without its feature `json`; add that, or take another protocol";

/// Refuses: the environment asks for what was not built in.
pub(super) fn encoding() -> Result<Encoding, BuildError> {
    Err(NOT_BUILT_IN.into())
}

/// Refuses: the environment asks for what was not built in.
pub(crate) fn protocol() -> Result<Protocol, BuildError> {
    Err(NOT_BUILT_IN.into())
}
