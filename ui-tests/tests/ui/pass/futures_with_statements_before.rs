#![deny(warnings)]

use std::cell::Cell;
use std::future::{Ready, ready};
use std::pin::Pin;

use futures_util::FutureExt as _;
use futures_util::future::{Either, LocalBoxFuture};
use otel_runtime::{span_attr, traced_span};

thread_local! {
    static CALLS: Cell<u32> = const { Cell::new(0) };
}

fn call() -> u32 {
    CALLS.set(CALLS.get() + 1);
    CALLS.get()
}

#[traced_span]
fn opaque(n: u32) -> impl Future<Output = u32> {
    let before = call();
    if n == 0 {
        return Either::Left(ready(before));
    }
    let doubled = n * 2;
    Either::Right(async move { doubled + call() })
}

#[traced_span]
#[span_attr("n" = |n| *n)]
fn boxed(text: &str) -> Pin<Box<dyn Future<Output = Result<u32, String>> + Send + '_>> {
    call();
    let Some(first) = text.chars().next() else {
        return Box::pin(ready(Err("empty".to_owned())));
    };
    if first == 'a' {
        let length = text.len();
        return Box::pin(async move { u32::try_from(length).map_err(|error| error.to_string()) });
    }
    Box::pin(async move {
        call();
        text.parse::<u32>().map_err(|error| error.to_string())
    })
}

#[traced_span]
fn local(n: std::rc::Rc<u32>) -> LocalBoxFuture<'static, u32> {
    call();
    async move { *n }.boxed_local()
}

/// What is recorded at the end names an argument.
#[traced_span(err = |error| format!("room {id}: {error}"))]
#[span_attr("room.id" = |_| id)]
fn described(id: u32) -> Pin<Box<dyn Future<Output = Result<u32, String>> + Send>> {
    let before = id.checked_sub(1);
    Box::pin(async move { before.ok_or_else(|| "none".to_owned()) })
}

#[traced_span]
fn named() -> Ready<u32> {
    ready(call())
}

fn main() {
    let future = opaque(1);
    // The statements before the future have run; the future has not.
    assert_eq!(CALLS.get(), 1);
    assert_eq!(future.now_or_never(), Some(4));
    assert_eq!(opaque(0).now_or_never(), Some(3));
    assert_eq!(boxed("").now_or_never(), Some(Err("empty".to_owned())));
    assert_eq!(boxed("ab").now_or_never(), Some(Ok(2)));
    assert_eq!(boxed("7").now_or_never(), Some(Ok(7)));
    assert_eq!(local(std::rc::Rc::new(1)).now_or_never(), Some(1));
    assert_eq!(CALLS.get(), 8);
    assert_eq!(named().now_or_never(), Some(9));

    assert_eq!(described(1).now_or_never(), Some(Ok(0)));
}
