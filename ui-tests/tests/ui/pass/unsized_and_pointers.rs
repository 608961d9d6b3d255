#![deny(warnings)]

use std::fmt::{Debug, Write};

use futures_util::FutureExt as _;
use otel_runtime::{span_attr, traced_span};

#[traced_span]
#[span_attr("shown" = ?shown, "bytes" = bytes.len())]
fn written(shown: &dyn Debug, bytes: &[u8], out: &mut dyn Write) -> std::fmt::Result {
    write!(out, "{shown:?}{}", bytes.len())
}

#[traced_span]
fn boxed(text: Box<str>, run: Box<dyn FnOnce(Box<str>) -> usize + '_>) -> usize {
    run(text)
}

#[traced_span]
fn pointers(function: fn(u32) -> u32, constant: *const u32, changed: *mut u32) -> (u32, bool) {
    (function(1), std::ptr::eq(constant, changed))
}

#[traced_span]
async fn later(items: &[&dyn Debug], text: &str) -> Option<usize> {
    ::core::future::ready(()).await;
    Some(items.len() + text.len())
}

#[traced_span]
fn generic<T: ?Sized + Debug>(value: &T) -> Result<String, ()> {
    Ok(format!("{value:?}"))
}

fn main() {
    let mut out = String::new();
    written(&'x', b"ab", &mut out).unwrap();
    assert_eq!(out, "'x'2");
    assert_eq!(boxed("abc".into(), Box::new(|text| text.len())), 3);
    let mut value = 1;
    assert_eq!(
        pointers(|n| n + 1, &raw const value, &raw mut value),
        (2, true)
    );
    assert_eq!(later(&[&1, &"a"], "b").now_or_never(), Some(Some(3)));
    assert_eq!(generic(&[1, 2][..]), Ok("[1, 2]".to_owned()));
}
