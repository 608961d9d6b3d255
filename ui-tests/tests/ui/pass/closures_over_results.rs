//! What only a closure over the result names is used, with and without recording.

#![deny(warnings)]

use std::borrow::Cow;
use std::future::Future;
use std::pin::Pin;

use futures_util::FutureExt as _;
use otel_runtime::{span_attr, span_event, traced_span};

fn describe(error: &str) -> String {
    format!("it says {error}")
}

fn counts(error: &str, least: usize) -> bool {
    error.len() > least
}

fn doubled(n: u32) -> u32 {
    n * 2
}

#[traced_span(err = |error| describe(error), err_if = |error: &String| counts(error, least))]
#[span_attr("doubled" = |n| doubled(*n) + offset)]
fn sync(least: usize, offset: u32) -> Result<u32, String> {
    Err("no".to_owned())
}

#[traced_span(err = |error| describe(error))]
#[span_event("done", "doubled" = |n| doubled(*n))]
async fn later(text: &str) -> Result<u32, &str> {
    std::future::ready(()).await;
    Err(text)
}

#[traced_span]
#[span_attr("taken" = move |n| name.len() + n.unwrap_or_default())]
fn taking(name: &str) -> Option<usize> {
    name.len().checked_sub(1)
}

#[traced_span(err = |error| describe(error))]
fn boxed(text: &str) -> Pin<Box<dyn Future<Output = Result<u32, &str>> + '_>> {
    Box::pin(async move { Err(text) })
}

#[span_attr("doubled" = |n| doubled(*n) + offset)]
fn alone(offset: u32) -> u32 {
    1
}

fn shown(text: &str) -> String {
    text.to_owned()
}

#[traced_span(err = |error| shown(error))]
fn elided(text: &str) -> Result<Cow<'_, str>, Cow<'_, str>> {
    Ok(text.into())
}

fn done() -> &'static str {
    "done"
}

#[traced_span]
#[span_event("returned", "how" = |()| done())]
fn nothing() {}

#[traced_span]
#[span_attr("length" = |all| all.len())]
fn opaque(text: &str) -> impl ExactSizeIterator<Item = u8> {
    text.bytes()
}

fn main() {
    assert!(sync(1, 2).is_err());
    assert!(later("a").now_or_never().unwrap().is_err());
    assert_eq!(taking("ab"), Some(1));
    assert!(boxed("a").now_or_never().unwrap().is_err());
    assert_eq!(elided("a"), Ok("a".into()));
    nothing();
    assert_eq!(alone(1), 1);
    assert_eq!(opaque("ab").len(), 2);
}
