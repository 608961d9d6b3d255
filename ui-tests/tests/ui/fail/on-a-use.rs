#[otel_runtime::traced_span]
use std::mem::drop;

fn main() {
    drop(1);
}
