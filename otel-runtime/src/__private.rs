//! What the macros' expansions call. Not part of the public interface: it changes without notice.

pub use opentelemetry::trace::SpanKind;

pub use crate::engine::{
    AnyValue, ByDebug, ByDisplay, ByTypeName, Current, Failure, Fields, InSpan, NoFailure, OkValue,
    ResultLike, Returned, Site, Source, Start, SyncSpan, TaskSpan, call, failure_by,
    failure_by_debug, failure_by_display, then,
};
