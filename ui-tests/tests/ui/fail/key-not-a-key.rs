use otel_runtime::{span_attr, traced_span};

#[traced_span]
#[span_attr(1 = 2)]
fn find() {}

#[traced_span]
#[span_attr(rooms.0 = 2)]
fn first() {}

fn main() {
    find();
    first();
}
