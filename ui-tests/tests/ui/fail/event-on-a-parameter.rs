use otel_runtime::{span_event, traced_span};

#[traced_span]
fn find(#[span_event("seen")] id: u32) -> u32 {
    id
}

fn main() {
    find(1);
}
