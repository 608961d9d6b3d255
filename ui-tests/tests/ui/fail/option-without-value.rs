use otel_runtime::traced_span;

#[traced_span(kind = )]
fn find() {}

fn main() {
    find();
}
