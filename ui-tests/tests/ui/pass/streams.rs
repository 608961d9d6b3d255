#![deny(warnings)]

use std::cell::Cell;
use std::pin::Pin;

use futures_util::FutureExt as _;
use futures_util::future::{self, FusedFuture};
use futures_util::stream::{self, BoxStream, FusedStream, LocalBoxStream, Stream, StreamExt as _};
use otel_runtime::{span_attr, traced_span};

thread_local! {
    static CALLS: Cell<u32> = const { Cell::new(0) };
}

#[traced_span]
#[span_attr("to" = to)]
fn opaque(to: u32) -> impl Stream<Item = u32> + Send {
    CALLS.set(CALLS.get() + 1);
    stream::iter(0..to).map(|n| n * 2)
}

#[traced_span]
fn boxed(numbers: &[u32], reversed: bool) -> Pin<Box<dyn Stream<Item = &u32> + Send + '_>> {
    if reversed {
        return Box::pin(stream::iter(numbers.iter().rev()));
    }
    Box::pin(stream::iter(numbers))
}

#[traced_span]
fn fallible(texts: Vec<String>) -> BoxStream<'static, Result<u32, std::num::ParseIntError>> {
    stream::iter(texts).map(|text| text.parse()).boxed()
}

#[traced_span]
fn unfolded(left: u32) -> LocalBoxStream<'static, u32> {
    Box::pin(stream::unfold(left, |left| async move { left.checked_sub(1).map(|left| (left, left)) }))
}

#[traced_span]
fn fused(to: u32) -> impl FusedStream<Item = u32> {
    stream::iter(0..to).fuse()
}

#[traced_span]
fn fused_future(n: u32) -> impl FusedFuture<Output = u32> + Unpin {
    future::ready(n)
}

struct Rooms(Vec<String>);

#[traced_span]
impl Rooms {
    fn names(&mut self) -> impl Stream<Item = &mut String> {
        stream::iter(&mut self.0)
    }
}

fn main() {
    let stream = opaque(3);
    assert_eq!((CALLS.get(), stream.size_hint()), (1, (3, Some(3))));
    assert_eq!(stream.collect::<Vec<_>>().now_or_never(), Some(vec![0, 2, 4]));
    assert_eq!(boxed(&[1, 2], true).next().now_or_never(), Some(Some(&2)));
    assert_eq!(boxed(&[1, 2], false).next().now_or_never(), Some(Some(&1)));
    let texts = vec!["1".to_owned(), "x".to_owned()];
    let parsed = fallible(texts).filter_map(|it| std::future::ready(it.ok()));
    assert_eq!(parsed.collect::<Vec<_>>().now_or_never(), Some(vec![1]));
    assert_eq!(unfolded(3).fold(0, |sum, n| async move { sum + n }).now_or_never(), Some(3));
    let mut fused = fused(1);
    assert!(!fused.is_terminated());
    assert_eq!(fused.by_ref().collect::<Vec<_>>().now_or_never(), Some(vec![0]));
    assert!(fused.is_terminated());
    let mut future = fused_future(1);
    assert!(!future.is_terminated());
    assert_eq!((&mut future).now_or_never(), Some(1));
    assert!(future.is_terminated());
    let mut rooms = Rooms(vec!["a".to_owned()]);
    rooms.names().next().now_or_never().flatten().unwrap().push('b');
    assert_eq!(rooms.0, ["ab"]);
}
