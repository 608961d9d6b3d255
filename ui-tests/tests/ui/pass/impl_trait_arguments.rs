#![deny(warnings)]

use std::fmt::Display;

use futures_util::FutureExt as _;
use otel_runtime::{span_attr, traced_span};

#[traced_span]
#[span_attr("shown" = %shown)]
fn sync(shown: &impl Display, names: impl IntoIterator<Item = impl AsRef<str>>) -> Result<usize, String> {
    Ok(names.into_iter().map(|name| name.as_ref().len()).sum())
}

#[traced_span]
async fn later(change: impl FnOnce(&mut String), mut text: String) -> String {
    std::future::ready(()).await;
    change(&mut text);
    text
}

#[traced_span]
async fn awaited(future: impl Future<Output = Result<u32, String>>) -> Result<u32, String> {
    future.await
}

#[traced_span]
fn unsized_inside(items: &[impl PartialOrd], mut check: impl FnMut(bool)) {
    check(items.is_sorted());
}

fn main() {
    assert_eq!(sync(&'x', ["a".to_owned()]), Ok(1));
    assert_eq!(later(|text| text.push('b'), "a".to_owned()).now_or_never().as_deref(), Some("ab"));
    assert_eq!(awaited(async { Ok(1) }).now_or_never(), Some(Ok(1)));
    let mut sorted = false;
    unsized_inside(&[1, 2], |it| sorted = it);
    assert!(sorted);
}
