use std::pin::Pin;

use futures_util::{Stream, stream};
use otel_runtime::{span_attr, span_event, traced_span};

#[traced_span]
#[span_attr("count" = |all| all.len())]
#[span_event("opened", "ok" = |_| true)]
fn numbers() -> Pin<Box<dyn Stream<Item = u32>>> {
    Box::pin(stream::iter([1, 2]))
}

fn main() {
    drop(numbers());
}
