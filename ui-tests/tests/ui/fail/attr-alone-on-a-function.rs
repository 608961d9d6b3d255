use otel_runtime::span_attr;

#[span_attr]
fn find() {}

fn main() {
    find();
}
