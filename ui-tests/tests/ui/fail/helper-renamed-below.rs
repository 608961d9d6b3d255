use otel_runtime::{span_attr as attr, traced_span};

#[traced_span]
#[attr("id" = 1)]
fn find() {}

fn main() {
    find();
}
