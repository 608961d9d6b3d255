use otel_runtime::traced_span;

#[traced_span(root = true)]
fn find() {}

fn main() {
    find();
}
