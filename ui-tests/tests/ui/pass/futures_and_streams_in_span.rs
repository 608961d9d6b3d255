#![deny(warnings)]

use std::rc::Rc;

use futures_util::FutureExt as _;
use futures_util::stream::{self, StreamExt as _};
use otel_runtime::{InSpan as _, traced_span};

fn needs_send<T: Send>(value: T) -> T {
    value
}

#[expect(clippy::unused_async)]
async fn untraced(text: &str) -> Result<&str, String> {
    Ok(text)
}

#[traced_span]
async fn traced(text: &str) -> Result<&str, String> {
    untraced(text).in_span("inner").await
}

fn main() {
    let text = "a".to_owned();
    assert_eq!(needs_send(traced(&text).in_span("outer")).now_or_never(), Some(Ok("a")));
    assert_eq!(needs_send(untraced(&text)).in_span(format!("named.{text}")).now_or_never(), Some(Ok("a")));
    let rc = Rc::new(1);
    assert_eq!(async move { *rc }.in_span("here").in_span("twice").now_or_never(), Some(1));
    let stream = stream::iter([1, 2]).in_span("stream");
    assert_eq!(needs_send(stream).collect::<Vec<_>>().now_or_never(), Some(vec![1, 2]));
    let boxed: std::pin::Pin<Box<dyn Future<Output = u32> + Send>> = Box::pin(std::future::ready(7));
    assert_eq!(boxed.in_span("boxed").now_or_never(), Some(7));
}
