//! How a span is started, filled and ended: what the expansions of the macros call, in ordinary Rust.

pub(crate) mod control;
mod failure;
mod fields;
mod future;
mod returned;
mod site;
mod slot;
mod span;
mod start;

pub(crate) use control::{set_rules, sites, switch_off};
pub use failure::{
    Failure, ResultLike, counts, failure_by, failure_by_debug, failure_by_display, returned,
    value_of,
};
pub use fields::Fields;
pub use future::InSpan;
pub use returned::{TracedFuture, TracedStream, boxed, output};
pub use site::{Scope, Site};
pub use slot::{InSlot, PartSpan, Slot};
pub use span::{Current, Entered, SyncSpan, TaskSpan};
pub(crate) use start::start_named;
pub use start::{LinkTarget, SpanParent, Start};

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
