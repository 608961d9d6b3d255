use otel_runtime::traced_span;

#[traced_span(skip)]
fn find() {}

fn main() {
    find();
}
