//! The instrumentation scope that all spans of these modules have.

use std::sync::LazyLock;

use opentelemetry::{
    InstrumentationScope,
    global::{self, BoxedTracer},
};
use opentelemetry_semantic_conventions::SCHEMA_URL;

static SCOPE: LazyLock<InstrumentationScope> = LazyLock::new(|| {
    InstrumentationScope::builder(env!("CARGO_PKG_NAME"))
        .with_version(env!("CARGO_PKG_VERSION"))
        .with_schema_url(SCHEMA_URL)
        .build()
});

/// The tracer of this crate's instrumentations, from the provider that is installed now.
///
/// It is asked for each time, so that a provider installed late or replaced is the one that is used.
pub(super) fn tracer() -> BoxedTracer {
    global::tracer_with_scope(SCOPE.clone())
}
