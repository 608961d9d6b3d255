//! How a span is started, filled and ended: what the expansions of the macros call, in ordinary Rust.

mod failure;
mod fields;
mod future;
mod site;
mod span;
mod start;

use std::sync::atomic::{AtomicBool, Ordering};

pub use failure::{
    AnyValue, ByDebug, ByDisplay, ByTypeName, Failure, NoFailure, OkValue, ResultLike, Returned,
    failure_by, failure_by_debug, failure_by_display,
};
pub use fields::Fields;
pub use future::InSpan;
pub use site::{Site, Source};
pub use span::{Current, SyncSpan, TaskSpan};
pub use start::Start;

/// Set while the application has decided, through [`crate::init`], that nothing is recorded.
static OFF: AtomicBool = AtomicBool::new(false);

/// Switches every site off, or back on.
pub(crate) fn switch_off(off: bool) {
    OFF.store(off, Ordering::Relaxed);
}

/// Whether nothing is recorded, so that preparing a span would be in vain.
pub(crate) fn is_off() -> bool {
    OFF.load(Ordering::Relaxed)
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
