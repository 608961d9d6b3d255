//! What the macros' expansions call. Not part of the public interface: it changes without notice.

pub use opentelemetry::trace::SpanKind;

pub use crate::engine::{
    Current, Entered, Failure, FieldKey, Fields, InSlot, InSpan, LazyFuture, LeafSpan, LinkTarget,
    PartSpan, ResultLike, Scope, Site, Slot, SpanParent, Start, SyncSpan, TaskSpan, TracedFuture,
    TracedStream, boxed, call, counts, failure_by, failure_by_debug, failure_by_display, key,
    output, returned, then, unreached, value_of,
};
