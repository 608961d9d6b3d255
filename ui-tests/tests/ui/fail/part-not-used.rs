#![deny(unused)]

use otel_runtime::traced_span;

#[traced_span]
fn start() {
    #[traced_span("block")]
    async { 5 };
    #[traced_span("closure")]
    |n: u32| n;
}

fn main() {
    start();
}
