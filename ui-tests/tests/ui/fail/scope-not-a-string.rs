use otel_runtime::traced_span;

#[traced_span(scope = my_library)]
fn find() {}

fn main() {
    find();
}
