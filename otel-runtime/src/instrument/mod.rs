//! One feature and one module for each framework that is instrumented.
//!
//! All of them make their spans through the public OpenTelemetry API, with the tracer provider and the propagator that
//! are installed globally at that moment; with none installed they do next to nothing.

#[cfg(feature = "actix-web")]
pub mod actix_web;
#[cfg(feature = "diesel")]
pub mod diesel;
#[cfg(feature = "log")]
pub mod log;
#[cfg(feature = "messaging")]
pub mod messaging;
#[cfg(any(feature = "actix-web", feature = "diesel", feature = "messaging"))]
mod span;

/// Marks a span whose work was given up before it had an outcome, by a boolean attribute of this name.
///
/// A request whose client went away and a future that was dropped half-way are such cases. The status stays unset,
/// because nobody knows whether the work would have failed.
pub const CANCELLED: &str = "otel_runtime.cancelled";
