#![deny(warnings)]

use futures_util::FutureExt as _;
use otel_runtime::traced_span;

#[traced_span]
fn adder(by: u32) -> impl Fn(u32) -> u32 {
    move |n| n + by
}

#[traced_span]
fn counter() -> impl FnMut() -> u32 {
    let mut n = 0;
    move || {
        n += 1;
        n
    }
}

#[traced_span]
fn giver(text: String) -> impl FnOnce() -> String {
    || text
}

#[traced_span]
fn trimmer() -> impl Fn(&str) -> &str {
    |text| text.trim()
}

#[traced_span]
async fn counter_later() -> impl Fn(&str) -> usize {
    std::future::ready(()).await;
    |text: &str| text.len()
}

#[traced_span]
fn prefixed(prefix: &str) -> Result<impl Fn(&str) -> bool, String> {
    if prefix.is_empty() {
        return Err("empty".to_owned());
    }
    Ok(move |text: &str| text.starts_with(prefix))
}

#[traced_span]
fn boxed(twice: bool) -> Box<dyn Fn(&str) -> String> {
    if twice {
        return Box::new(|text| text.repeat(2));
    }
    Box::new(str::to_owned)
}

#[traced_span]
fn pointer() -> fn(&str) -> &str {
    |text| text.trim_end()
}

fn main() {
    assert_eq!(adder(1)(2), 3);
    let mut counter = counter();
    assert_eq!((counter(), counter()), (1, 2));
    assert_eq!(giver("a".to_owned())(), "a");
    assert_eq!(trimmer()(" a "), "a");
    assert_eq!(counter_later().now_or_never().unwrap()("a"), 1);
    assert_eq!(prefixed("a").map(|it| it("ab")), Ok(true));
    assert_eq!(boxed(true)("a") + &boxed(false)("b"), "aab");
    assert_eq!(pointer()("a "), "a");
}
