#![deny(warnings)]

use std::fmt::{Debug, Display};

use futures_util::FutureExt as _;
use otel_runtime::traced_span;

#[traced_span]
fn shown(n: u32) -> impl Display + Debug + Clone + use<> {
    n
}

#[traced_span]
fn either(first: bool) -> (impl Iterator<Item = u32>, Option<impl Display>) {
    if first {
        return (1..2, None);
    }
    (3..5, Some("x"))
}

#[traced_span]
fn checked(text: &str) -> Result<impl DoubleEndedIterator<Item = char> + '_, impl Display> {
    if text.is_empty() {
        return Err("empty");
    }
    Ok(text.chars())
}

#[traced_span]
async fn later(text: &str) -> Result<impl Iterator<Item = char>, String> {
    std::future::ready(()).await;
    let first = text.chars().next().ok_or("empty")?;
    Ok(text.chars().skip_while(move |it| *it == first))
}

#[traced_span]
async fn boxed_inside<T: Display>(value: T) -> Vec<impl Display> {
    vec![format!("{value}"), "x".to_owned()]
}

fn main() {
    assert_eq!(shown(1).clone().to_string(), "1");
    assert_eq!(either(false).0.sum::<u32>() + u32::from(either(true).1.is_none()), 8);
    assert_eq!(checked("ab").ok().unwrap().next_back(), Some('b'));
    assert!(checked("").is_err());
    assert_eq!(later("aab").now_or_never().unwrap().unwrap().count(), 1);
    assert_eq!(boxed_inside(1).now_or_never().unwrap().len(), 2);
}
