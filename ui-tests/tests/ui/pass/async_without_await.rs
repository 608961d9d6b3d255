//! An `async fn` that awaits nothing is no larger than it was, whatever it is given.

#![deny(warnings)]
#![expect(
    clippy::unused_async,
    clippy::large_types_passed_by_value,
    reason = "this is what it is about"
)]

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use otel_runtime::{span_attr, traced_span};

async fn plain(bytes: [u8; 1024]) -> Result<[u8; 1024], String> {
    Some(bytes).ok_or_else(String::new)
}

#[traced_span]
#[span_attr("length" = |bytes| bytes.len())]
async fn traced(bytes: [u8; 1024]) -> Result<[u8; 1024], String> {
    Some(bytes).ok_or_else(String::new)
}

#[traced_span]
async fn never() -> ! {
    panic!("it ends at once")
}

fn main() {
    assert_eq!(size_of_val(&traced([0; 1024])), size_of_val(&plain([0; 1024])));
    let waker = &mut Context::from_waker(Waker::noop());
    assert!(matches!(pin!(traced([1; 1024])).poll(waker), Poll::Ready(Ok(bytes)) if bytes == [1; 1024]));
    drop(never());
}
