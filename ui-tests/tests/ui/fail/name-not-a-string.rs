use otel_runtime::traced_span;

#[traced_span(12)]
fn find() {}

fn main() {
    find();
}
