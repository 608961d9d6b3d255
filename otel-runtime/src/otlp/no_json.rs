//! What stands in for JSON where the feature `json` is off.

use super::http::Encoding;
use super::{BuildError, Service};

/// Refuses: the environment asks for what was not built in.
pub(super) fn encoding(_: Service) -> Result<Encoding, BuildError> {
    Err("OTLP as JSON is asked for, by OTEL_EXPORTER_OTLP_PROTOCOL (`http/json`) or by OTEL_TRACES_EXPORTER or OTEL_LOGS_EXPORTER (`otlp/stdout`), but otel-runtime was built without its feature `json`; add that, or take something else".into())
}
