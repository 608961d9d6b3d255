//! One feature and one module for each framework that is instrumented.
//!
//! Their spans are written to this crate's own engine where that records them, as those of the annotated functions are.
//! Everywhere else they are made through the public OpenTelemetry API, with the tracer provider that is installed globally at
//! that moment; so is the propagator. With none installed they do next to nothing.

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
#[cfg(any(feature = "actix-web", feature = "messaging", feature = "reqwest"))]
mod starting;
