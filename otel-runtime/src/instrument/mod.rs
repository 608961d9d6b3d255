//! One feature and one module for each framework that is instrumented.

#[cfg(feature = "actix-web")]
pub mod actix_web;
#[cfg(feature = "diesel")]
pub mod diesel;
#[cfg(feature = "log")]
pub mod log;
#[cfg(feature = "messaging")]
pub mod messaging;
