use otel_runtime::{span_attr, traced_span};

#[traced_span]
#[span_attr("" = 1)]
fn find() {}

fn main() {
    find();
}
