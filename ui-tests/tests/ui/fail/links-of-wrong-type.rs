use otel_runtime::traced_span;

#[traced_span(links = [1, 2])]
fn find() {}

fn main() {
    find();
}
