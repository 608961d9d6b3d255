#![deny(warnings)]

use std::panic::{RefUnwindSafe, UnwindSafe, catch_unwind};

use otel_runtime::{InSpan as _, traced_span};

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

#[traced_span]
fn handed_out(n: u32) -> impl Future<Output = u32> {
    std::future::ready(n)
}

#[traced_span]
async fn in_parts(n: u32) -> u32 {
    #[traced_span("part")]
    {
        std::future::ready(n).await
    }
}

async fn plain() {
    std::future::ready(()).await;
}

fn needs_unwind_safe<T: UnwindSafe + RefUnwindSafe>(_: &T) {}
fn needs_sync<T: Sync>(_: &T) {}
fn needs_static<T: 'static>(_: &T) {}

fn main() {
    let future = shared(1);
    needs_sync(&future);
    needs_static(&future);
    let text = "a".to_owned();
    let future = longer(&text, &text);
    needs_sync(&future);
    assert!(catch_unwind(|| drop(future)).is_ok());
    needs_unwind_safe(&plain());
    needs_unwind_safe(&shared(1));
    needs_unwind_safe(&handed_out(1));
    needs_unwind_safe(&in_parts(1));
    needs_unwind_safe(&plain().in_span("plain"));
}
