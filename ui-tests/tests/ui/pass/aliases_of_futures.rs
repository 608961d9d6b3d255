//! An alias called like that of the crate `futures` may be anybody's, with whatever is fixed in it.

#![deny(warnings)]

use std::fmt::Display;
use std::future::Future;
use std::pin::Pin;

use futures_util::FutureExt as _;
use otel_runtime::{span_attr, traced_span};

#[derive(Debug)]
pub struct Failed;

type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = Result<T, Failed>> + Send + 'a>>;
type LocalBoxFuture<'a, T, E = Failed> = Pin<Box<dyn Future<Output = Result<T, E>> + 'a>>;

#[traced_span]
fn loaded(id: u32) -> BoxFuture<'static, u32> {
    Box::pin(async move { Ok(id) })
}

#[traced_span(err = |_| "failed".to_owned())]
#[span_attr("length" = |length| *length)]
fn length(text: &str) -> BoxFuture<'_, usize> {
    let text = text.trim();
    Box::pin(async move {
        let id = loaded(7).await?;
        if id == 0 {
            return Err(Failed);
        }
        Ok(text.len())
    })
}

#[traced_span]
fn shown<T: Display>(value: &T) -> LocalBoxFuture<'_, String> {
    Box::pin(async move { Ok(value.to_string()) })
}

#[traced_span]
fn parsed(text: &str) -> LocalBoxFuture<'_, u32, std::num::ParseIntError> {
    Box::pin(async move { text.parse() })
}

pub trait Store {
    fn count<'a>(&'a self, of: &'a str) -> BoxFuture<'a, usize>;
}

impl Store for [&str] {
    #[traced_span]
    fn count<'a>(&'a self, of: &'a str) -> BoxFuture<'a, usize> {
        Box::pin(async move { Ok(self.iter().filter(|it| **it == of).count()) })
    }
}

fn main() {
    let words = ["one", "two", "one"];
    let counted = words.count("one").now_or_never().and_then(Result::ok);
    assert_eq!(counted, Some(2));
    let counted = length(" four ").now_or_never().and_then(Result::ok);
    assert_eq!(counted, Some(4));
    drop((shown(&1), parsed("1")));
}
