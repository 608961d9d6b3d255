#![deny(warnings)]
#![deny(missing_docs, unsafe_op_in_unsafe_fn)]
//! Everything before the body stays as it was.

use otel_runtime::traced_span;

/// A module.
pub mod outer {
    use otel_runtime::traced_span;

    /// Visible in one place.
    #[traced_span]
    pub(in crate::outer) fn hidden() -> u32 {
        1
    }

    /// Visible everywhere.
    #[inline]
    #[must_use]
    #[traced_span]
    pub fn shown() -> u32 {
        hidden()
    }
}

/// # Safety
///
/// The pointer points to a value.
#[must_use]
#[traced_span]
pub unsafe fn read(pointer: *const u32) -> Option<u32> {
    // SAFETY: the caller promises it.
    Some(unsafe { pointer.read() })
}

/// # Safety
///
/// The pointer points to a value.
#[traced_span]
pub async unsafe fn read_later(pointer: *const u32) -> u32 {
    ::core::future::ready(()).await;
    // SAFETY: the caller promises it.
    unsafe { pointer.read() }
}

#[traced_span]
extern "C" fn callback(n: i32) -> i32 {
    n + 1
}

#[traced_span]
#[deprecated]
#[cold]
#[allow(dead_code)]
fn old() {}

fn main() {
    let value = 7;
    // SAFETY: the reference lives long enough.
    assert_eq!(unsafe { read(&raw const value) }, Some(7));
    // SAFETY: it is never polled.
    drop(unsafe { read_later(&raw const value) });
    let function: extern "C" fn(i32) -> i32 = callback;
    assert_eq!(function(1), 2);
    assert_eq!(outer::shown(), 1);
}
