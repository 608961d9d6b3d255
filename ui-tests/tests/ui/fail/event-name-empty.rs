use otel_runtime::{span_event, traced_span};

#[traced_span]
#[span_event("")]
fn find() {}

fn main() {
    find();
}
