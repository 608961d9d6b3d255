//! A library as others write them: its functions are annotated, and setting telemetry up is left to the application.

use std::cell::Cell;
use std::future::Future;
use std::sync::Mutex;

use otel_runtime::{span_attr, span_event, traced_span};

/// For [`traced`].
#[doc(hidden)]
pub use otel_runtime as runtime;

/// Traces what it is given by the runtime that this crate knows, as macros of libraries do.
#[macro_export]
macro_rules! traced {
    ($($function:tt)*) => {
        #[$crate::runtime::traced_span(crate = $crate::runtime)]
        $($function)*
    };
}

/// A call with a child, an attribute of each sort and an event.
///
/// # Errors
///
/// When there is no room.
#[traced_span("library.find", kind = client)]
#[span_attr("room" = room, "length" = |length| *length)]
#[span_event("library.asked", "room" = room)]
pub fn find(room: &str) -> Result<usize, String> {
    if room.is_empty() {
        return Err("no room".to_owned());
    }
    Ok(measure(room))
}

#[traced_span("library.measure")]
fn measure(room: &str) -> usize {
    room.len()
}

/// Calls a closure within a span: what it does, and what is current then.
#[traced_span("library.call")]
pub fn call<T>(work: impl FnOnce() -> T) -> T {
    work()
}

/// Awaits a future within a span, and within the span of a part.
#[traced_span("library.await")]
#[span_attr("polled" = true)]
pub async fn wait_for<T>(future: impl Future<Output = T>) -> T {
    #[traced_span("library.part")]
    {
        future.await
    }
}

/// Counts in `evaluations` each value that is computed for the span.
///
/// # Errors
///
/// Always.
#[traced_span("library.counted", err = |error| counted(*error, evaluations))]
#[span_attr("attribute" = counted(1, evaluations))]
#[span_event("event", "attribute" = counted(1, evaluations))]
pub fn count(evaluations: &Cell<u32>) -> Result<(), &'static str> {
    Err("on purpose")
}

fn counted<T>(value: T, evaluations: &Cell<u32>) -> T {
    evaluations.set(evaluations.get() + 1);
    value
}

/// Whether a lock is held after the block, and after the condition, that it is a temporary of: in edition 2021 it is.
#[traced_span("library.lock")]
pub fn is_still_locked(lock: &Mutex<Vec<u32>>) -> [bool; 2] {
    let is_locked = |_| lock.try_lock().is_err();
    let after_block = is_locked(
        #[traced_span("library.block")]
        {
            lock.lock().as_deref().map_or(0, Vec::len)
        },
    );
    let after_condition = is_locked(
        #[traced_span("library.condition")]
        if let Ok([]) = lock.lock().as_deref().map(Vec::as_slice) {
            0
        } else {
            1
        },
    );
    [after_block, after_condition]
}
