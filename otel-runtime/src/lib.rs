//! The runtime behind `#[traced_span]`, `#[span_attr]` and `#[span_event]`.

pub mod context;
pub(crate) mod export;
pub mod instrument;
mod provider;
#[cfg(feature = "testing")]
pub mod testing;

pub use otel_macros::{span_attr, span_event, traced_span};
pub use provider::{Builder, InitError, ShutdownError, Telemetry, builder, init};
