//! The instrumentation scope that all spans and metrics of these modules have.

use std::sync::LazyLock;

#[cfg(any(feature = "actix-web", feature = "messaging", feature = "reqwest"))]
use opentelemetry::trace::SpanKind;
use opentelemetry::{
    InstrumentationScope,
    global::{self, BoxedTracer},
};
use opentelemetry_semantic_conventions::SCHEMA_URL;

#[cfg(any(feature = "actix-web", feature = "messaging", feature = "reqwest"))]
use crate::engine::recorder::scope::Label;

static SCOPE: LazyLock<InstrumentationScope> = LazyLock::new(|| {
    InstrumentationScope::builder(env!("CARGO_PKG_NAME"))
        .with_version(env!("CARGO_PKG_VERSION"))
        .with_schema_url(SCHEMA_URL)
        .build()
});

/// The meter of this crate's instrumentations, from the provider that is installed now.
#[cfg(all(feature = "metrics", any(feature = "actix-web", feature = "r2d2")))]
pub(super) fn meter() -> opentelemetry::metrics::Meter {
    global::meter_with_scope(SCOPE.clone())
}

/// The tracer of this crate's instrumentations, from the provider that is installed now.
///
/// It is asked for each time, so that a provider installed late or replaced is the one that is used.
pub(super) fn tracer() -> BoxedTracer {
    global::tracer_with_scope(SCOPE.clone())
}

/// What spans of one kind have in common, for the engine. To be called once for each.
#[cfg(any(feature = "actix-web", feature = "messaging", feature = "reqwest"))]
pub(super) fn label(name: &'static str, kind: &SpanKind) -> &'static Label {
    Label::register(SCOPE.clone(), name, kind)
}
