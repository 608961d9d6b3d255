use otel_runtime::{span_attr, traced_span};

#[traced_span]
#[span_attr("n" = |a, b| a)]
fn find() -> u32 {
    1
}

fn main() {
    find();
}
