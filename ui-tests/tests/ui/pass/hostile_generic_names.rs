#![deny(warnings)]
#![allow(non_camel_case_types)]

use std::fmt::Debug;

use futures_util::FutureExt as _;
use otel_runtime::{span_attr, traced_span};

#[traced_span]
#[span_attr("ok" = ?ok)]
fn results<Ok: Debug, Err, Some>(ok: Ok, err: Err, some: Option<Some>) -> Result<(Ok, Option<Some>), Err> {
    if some.is_none() {
        return Result::Err(err);
    }
    Result::Ok((ok, some))
}

#[traced_span]
async fn futures<Future, Output, Send>(future: Future, send: Send) -> (Output, Send)
where
    Future: std::future::Future<Output = Output>,
{
    (future.await, send)
}

#[traced_span]
fn lifetimes<'span, 'life0, 'async_trait, T, F>(first: &'span T, _: &'life0 F, _: &'async_trait str) -> Option<&'span T> {
    Some(first)
}

#[traced_span]
fn constants<const SPAN: usize, const START: u32, Value>(value: Value) -> ([Option<Value>; SPAN], u32) {
    let mut value = Some(value);
    ([(); SPAN].map(|()| value.take()), START)
}

fn main() {
    assert_eq!(results(1, "x", Some(2)), Ok((1, Some(2))));
    assert_eq!(futures(std::future::ready(1), 2).now_or_never(), Some((1, 2)));
    assert_eq!(lifetimes(&1, &2, ""), Some(&1));
    assert_eq!(constants::<2, 3, char>('a'), ([Some('a'), None], 3));
}
