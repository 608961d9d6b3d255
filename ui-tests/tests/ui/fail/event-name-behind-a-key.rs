use otel_runtime::{span_event, traced_span};

#[traced_span]
#[span_event("payload" = 1, "message.received")]
fn find() {}

fn main() {
    find();
}
