#![deny(warnings)]

use futures_util::FutureExt as _;
use otel_runtime::{span_attr, traced_span};

struct Unit;

struct Wrapper(String);

#[traced_span]
#[span_attr("text" = text, "whole" = whole.1)]
fn sync(Unit: Unit, Wrapper(text): Wrapper, whole @ (first, _): &(String, u32)) -> Option<usize> {
    text.len().checked_add(first.len() + whole.0.len())
}

#[traced_span]
fn either((Ok(n) | Err(n)): Result<u32, u32>) -> Option<u32> {
    n.checked_add(1)
}

#[traced_span]
#[expect(clippy::needless_borrowed_reference)]
async fn later(Unit: Unit, &Wrapper(ref text): &Wrapper, [ref first, .., ref mut last]: [String; 3]) -> String {
    std::future::ready(()).await;
    last.push_str(first);
    format!("{text}{last}")
}

fn main() {
    assert_eq!(sync(Unit, Wrapper("a".to_owned()), &("b".to_owned(), 1)), Some(3));
    assert_eq!((either(Ok(1)), either(Err(2))), (Some(2), Some(3)));
    let texts = ["a", "b", "c"].map(str::to_owned);
    assert_eq!(later(Unit, &Wrapper("x".to_owned()), texts).now_or_never().as_deref(), Some("xca"));
}
