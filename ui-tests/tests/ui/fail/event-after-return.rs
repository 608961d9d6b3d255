use otel_runtime::{span_event, traced_span};

#[traced_span]
fn find(id: u32) -> u32 {
    #[span_event("found")]
    return id;
}

fn main() {}
