use otel_runtime::{span_attr, traced_span};

#[traced_span]
fn find() -> u32 {
    #[span_attr]
    let (a, b) = (1, 2);
    a + b
}

fn main() {
    find();
}
