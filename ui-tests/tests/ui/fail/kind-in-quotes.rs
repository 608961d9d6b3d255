use otel_runtime::traced_span;

#[traced_span(kind = "server")]
fn find() {}

fn main() {
    find();
}
