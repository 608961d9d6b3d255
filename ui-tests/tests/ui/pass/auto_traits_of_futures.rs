#![deny(warnings)]

use std::panic::{AssertUnwindSafe, catch_unwind};

use otel_runtime::traced_span;

#[traced_span]
async fn shared(n: u32) -> Result<u32, String> {
    std::future::ready(()).await;
    Ok(n)
}

#[traced_span]
async fn longer<'a>(text: &'a str, _: &str) -> &'a str {
    ::core::future::ready(()).await;
    text
}

fn needs_sync<T: Sync>(_: &T) {}
fn needs_static<T: 'static>(_: &T) {}

fn main() {
    let future = shared(1);
    needs_sync(&future);
    needs_static(&future);
    let text = "a".to_owned();
    let future = longer(&text, &text);
    needs_sync(&future);
    assert!(catch_unwind(AssertUnwindSafe(|| drop(future))).is_ok());
}
