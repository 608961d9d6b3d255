use otel_runtime::traced_span;

#[traced_span(= server)]
fn find() {}

fn main() {
    find();
}
