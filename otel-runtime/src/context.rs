//! Carries the current context to work that leaves the thread.

use opentelemetry::Context;

use crate::engine::current;

/// Wraps a closure so that it runs in the context that is current now, on whatever thread it runs later.
///
/// ```
/// let work = otel_runtime::context::carry(|| 6 * 7);
/// assert_eq!(std::thread::spawn(work).join().unwrap(), 42);
/// ```
pub fn carry<F, T>(work: F) -> impl FnOnce() -> T
where
    F: FnOnce() -> T,
{
    let context = current();
    move || {
        let _current = context.map(Context::attach);
        work()
    }
}
