#![deny(warnings, unsafe_op_in_unsafe_fn)]

use otel_runtime::{span_attr, traced_span};

/// # Safety
///
/// `read` only reads.
unsafe trait Read {
    /// # Safety
    ///
    /// The pointer points to a value.
    unsafe fn read(&self, pointer: *const u32) -> Option<u32>;
}

struct Reader(u32);

// SAFETY: it reads as it says.
#[traced_span]
unsafe impl Read for Reader {
    unsafe fn read(&self, pointer: *const u32) -> Option<u32> {
        // SAFETY: the caller promises it.
        Some(self.0 + unsafe { *pointer })
    }
}

#[traced_span]
#[span_attr("n" = n)]
unsafe extern "C" fn foreign(n: i32) -> i32 {
    n + 1
}

#[traced_span]
async unsafe fn later(n: &u32) -> Result<&u32, String> {
    ::core::future::ready(()).await;
    Ok(n)
}

fn main() {
    let value = 7;
    // These would be superfluous, and denied, if the functions were not unsafe any more.
    // SAFETY: the reference lives long enough.
    assert_eq!(unsafe { Reader(1).read(&raw const value) }, Some(8));
    // SAFETY: it asks for nothing.
    assert_eq!(unsafe { foreign(1) }, 2);
    // SAFETY: it asks for nothing.
    drop(unsafe { later(&value) });
}
