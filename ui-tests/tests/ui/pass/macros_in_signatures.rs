#![deny(warnings)]

use futures_util::FutureExt as _;
use otel_runtime::{span_attr, traced_span};

macro_rules! pair {
    ($first:pat_param, $second:pat_param) => {
        ($first, $second)
    };
}

macro_rules! fallible {
    ($ty:ty) => {
        Result<$ty, String>
    };
}

#[traced_span]
#[span_attr("first" = a, "ok" = |ok| *ok + 1)]
fn sync(pair!(a, mut b): (usize, String)) -> fallible!(usize) {
    b.push('!');
    if b.len() > 3 { Err(b) } else { Ok(a + b.len()) }
}

#[traced_span]
async fn later(pair!(a, _): (String, u32)) -> fallible!((String, u32)) {
    std::future::ready(()).await;
    Ok((a, 1))
}

fn main() {
    assert_eq!((sync((1, "a".to_owned())), sync((1, "abc".to_owned()))), (Ok(3), Err("abc!".to_owned())));
    assert_eq!(later(("a".to_owned(), 2)).now_or_never(), Some(Ok(("a".to_owned(), 1))));
}
