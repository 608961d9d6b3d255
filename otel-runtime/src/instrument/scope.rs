//! The instrumentation scope that all spans and metrics of these modules have.

use std::sync::LazyLock;

use opentelemetry::{
    InstrumentationScope,
    global::{self, BoxedTracer},
};
use opentelemetry_semantic_conventions::SCHEMA_URL;

pub(super) static SCOPE: LazyLock<InstrumentationScope> = LazyLock::new(|| {
    InstrumentationScope::builder(env!("CARGO_PKG_NAME"))
        .with_version(env!("CARGO_PKG_VERSION"))
        .with_schema_url(SCHEMA_URL)
        .build()
});

/// The meter of this crate's instrumentations, from the provider that is installed now.
#[cfg(all(
    feature = "metrics",
    any(feature = "actix-web", feature = "diesel", feature = "reqwest")
))]
pub(super) fn meter() -> opentelemetry::metrics::Meter {
    global::meter_with_scope(SCOPE.clone())
}

/// The tracer of this crate's instrumentations, from the provider that is installed now.
///
/// It is asked for each time, so that a provider installed late or replaced is the one that is used.
pub(super) fn tracer() -> BoxedTracer {
    global::tracer_with_scope(SCOPE.clone())
}
