//! Finished spans to assert on, as text and as data, from this process or from others.
//!
//! [`Spans`] keeps what this process records; [`Collector`] receives what processes send over OTLP, [`LogRecord`]s too. Both
//! give [`SpanRecord`]s, which [`tree`] turns into text that is the same each time, and [`timed_tree`] into a page for
//! people.
//!
//! ```
//! use opentelemetry::trace::{Tracer, TracerProvider};
//! use otel_runtime::testing::Spans;
//!
//! let spans = Spans::new();
//! let tracer = spans.provider().tracer("rooms");
//! tracer.in_span("room.list", |_| tracer.in_span("room.load", |_| {}));
//!
//! assert_eq!(spans.tree(), "INTERNAL room.list\n  INTERNAL room.load");
//! ```

mod collector;
mod spans;

pub use crate::export::testing::{
    Detail, EventRecord, LinkRecord, LogRecord, SpanRecord, timed_tree, tree,
};
pub use collector::{Collector, LogsTimedOut, Requests, TimedOut};
pub use spans::Spans;
