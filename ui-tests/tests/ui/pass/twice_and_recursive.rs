#![deny(warnings)]

use otel_runtime::{span_attr, traced_span};

#[traced_span("outer")]
#[traced_span("inner", kind = client)]
#[span_attr("n" = n)]
fn twice(n: u32) -> Result<u32, String> {
    Ok(n)
}

#[traced_span]
fn factorial(n: u64) -> u64 {
    if n < 2 { 1 } else { n * factorial(n - 1) }
}

#[traced_span]
async fn async_factorial(n: u64) -> u64 {
    if n < 2 {
        return 1;
    }
    n * Box::pin(async_factorial(n - 1)).await
}

fn main() {
    assert_eq!(twice(1), Ok(1));
    assert_eq!(factorial(5), 120);
    drop(async_factorial(5));
}
