//! One feature and one module for each framework that is instrumented.
//!
//! All of them make their spans through the public OpenTelemetry API, with the tracer provider and the propagator that
//! are installed globally at that moment; with none installed they do next to nothing.

#[cfg(feature = "actix-web")]
pub mod actix_web;
#[cfg(any(feature = "actix-web", feature = "diesel", feature = "reqwest"))]
mod address;
#[cfg(feature = "diesel")]
pub mod diesel;
#[cfg(any(feature = "actix-web", feature = "reqwest"))]
mod http;
#[cfg(feature = "log")]
pub mod log;
#[cfg(feature = "messaging")]
pub mod messaging;
#[cfg(feature = "reqwest")]
pub mod reqwest;
#[cfg(any(feature = "actix-web", feature = "messaging", feature = "reqwest"))]
mod running;
#[cfg(any(
    feature = "actix-web",
    feature = "diesel",
    feature = "messaging",
    feature = "reqwest"
))]
mod scope;
