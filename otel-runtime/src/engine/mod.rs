//! How a span is started, filled and ended: what the expansions of the macros call, in ordinary Rust.

#![expect(
    clippy::inline_always,
    reason = "a span is made by a chain of small functions, which is fast as one; see docs/performance.md"
)]

pub(crate) mod control;
mod failure;
mod fields;
mod future;
mod leaf;
pub(crate) mod recorder;
mod returned;
mod site;
mod slot;
mod span;
mod start;
mod within;

use opentelemetry::Context;

pub(crate) use control::{follow_parents, set_rules, sites, switch_off};
pub use failure::{
    Failure, ResultLike, counts, failure_by, failure_by_debug, failure_by_display, returned,
    value_of,
};
pub use fields::{FieldKey, Fields, key};
pub use future::InSpan;
pub use leaf::LeafSpan;
pub use returned::{LazyFuture, TracedFuture, TracedStream, boxed, output};
pub use site::{Scope, Site};
pub use slot::{InSlot, PartSpan, Slot};
pub use span::{Current, Entered, SyncSpan, TaskSpan};
pub use start::{LinkTarget, SpanParent, Start};
pub(crate) use start::{expect_provider, start_named};
pub(crate) use within::{Around, Within};

thread_local! {
    /// Destroyed before OpenTelemetry's own, since it comes to life after that.
    static HAS_CONTEXT: HasContext = HasContext::new();
}

struct HasContext;

impl HasContext {
    fn new() -> HasContext {
        drop(Context::current());
        HasContext
    }
}

/// Makes the thread-local count as one that is destroyed.
impl Drop for HasContext {
    fn drop(&mut self) {}
}

/// Whether there is a current context; not so at the end of a thread, where the destructors of other thread-locals may still
/// call what is annotated, and asking OpenTelemetry would panic.
#[inline]
pub(crate) fn has_context() -> bool {
    HAS_CONTEXT.try_with(|_| ()).is_ok()
}

/// The current context; `None` at the end of a thread.
pub(crate) fn current() -> Option<Context> {
    has_context().then(Context::current)
}

/// Looks at the current context; `None` at the end of a thread.
#[inline]
pub(crate) fn map_current<T>(look: impl FnOnce(&Context) -> T) -> Option<T> {
    has_context().then(|| Context::map_current(look))
}

/// Hands on a value that is known before something else is done.
#[inline]
pub fn then<T>(value: T, (): ()) -> T {
    value
}

/// Calls a closure at once. That it is known to be called once lets it hand out what it owns.
#[inline]
pub fn call<T>(body: impl FnOnce() -> T) -> T {
    body()
}

/// Stands for a value of a type, behind a condition that is never true.
///
/// # Panics
///
/// Always.
#[must_use]
pub fn unreached<T>() -> T {
    unreachable!("this stands behind a condition that is never true")
}
