#![doc = include_str!("../README.md")]

#[doc(hidden)]
pub mod __private;
mod attribute;
mod b3;
mod baggage;
#[doc = include_str!("coming_from_tracing.md")]
pub mod coming_from_tracing {}
mod config;
pub mod context;
mod delivery;
mod diagnostics;
mod engine;
#[doc = include_str!("environment.md")]
pub mod environment {}
mod export;
mod hex;
mod in_span;
pub mod instrument;
mod losses;
#[cfg(feature = "otlp")]
mod otlp;
mod provider;
mod sites;
#[cfg(feature = "tokio")]
mod spawn;
#[cfg(feature = "testing")]
pub mod testing;
#[cfg(feature = "log")]
mod timestamp;
mod trace_context;

pub use attribute::{AttributeValue, ListElement};
pub use engine::recorder::SpanCounts;
pub use in_span::{InSpan, Spanned};
pub use otel_macros::{attr, event, span, span_attr, span_event, traced_span};
pub use provider::{Builder, InitError, ShutdownError, Telemetry, builder, init};
pub use sites::{SiteInfo, SpanRules, SpanRulesError, set_span_rules, sites};
#[cfg(feature = "tokio")]
pub use spawn::{spawn, spawn_blocking};

/// The boolean attribute that marks the span of a future which was dropped before it was ready. The span is current while the
/// future drops what it holds.
pub const CANCELLED: &str = "otel_runtime.cancelled";
