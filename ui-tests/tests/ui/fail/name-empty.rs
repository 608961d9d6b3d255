use otel_runtime::traced_span;

#[traced_span("")]
fn find() {}

fn main() {
    find();
}
