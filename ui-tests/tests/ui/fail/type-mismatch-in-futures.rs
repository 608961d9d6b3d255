use std::future::Future;
use std::pin::Pin;

use otel_runtime::traced_span;

#[traced_span]
fn one_block() -> impl Future<Output = Result<u32, String>> {
    async { Ok("one") }
}

#[traced_span]
fn boxed() -> Pin<Box<dyn Future<Output = u32>>> {
    Box::pin(async { "two" })
}

#[traced_span]
fn after_statements(text: &str) -> impl Future<Output = u32> {
    drop(text.len());
    std::future::ready("three")
}

#[traced_span]
fn part() {
    let future = #[traced_span("part")]
    async { "four" };
    drop::<Pin<Box<dyn Future<Output = u32>>>>(Box::pin(future));
}

#[traced_span]
fn fallible(text: &str) -> impl Future<Output = Result<u32, String>> {
    drop(text.len());
    async { Ok("five") }
}

fn main() {}
