use otel_runtime::traced_span;

#[traced_span(parent = opentelemetry::Context::new(), root)]
fn find() {}

fn main() {
    find();
}
