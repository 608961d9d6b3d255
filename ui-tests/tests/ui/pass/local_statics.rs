#![deny(warnings)]

use std::cell::Cell;
use std::sync::atomic::{AtomicU32, Ordering};

use futures_util::FutureExt as _;
use otel_runtime::{span_attr, traced_span};

#[traced_span]
#[span_attr("step" = 1)]
fn counted<T>(_of_each_type: &T) -> Result<u32, String> {
    // One for all instances of the function.
    static CALLS: AtomicU32 = AtomicU32::new(0);
    thread_local! {
        static HERE: Cell<u32> = const { Cell::new(0) };
    }
    HERE.set(HERE.get() + 1);
    Ok(CALLS.fetch_add(1, Ordering::Relaxed) + HERE.get())
}

#[traced_span]
async fn counted_later() -> u32 {
    static CALLS: AtomicU32 = AtomicU32::new(0);
    std::future::ready(()).await;
    CALLS.fetch_add(1, Ordering::Relaxed)
}

#[traced_span]
fn address() -> &'static AtomicU32 {
    static HERE: AtomicU32 = AtomicU32::new(0);
    &HERE
}

fn main() {
    assert_eq!((counted(&1), counted(&"a"), counted(&2)), (Ok(1), Ok(3), Ok(5)));
    assert_eq!((counted_later().now_or_never(), counted_later().now_or_never()), (Some(0), Some(1)));
    assert!(std::ptr::eq(address(), address()));
}
