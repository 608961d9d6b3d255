use otel_runtime::traced_span;

#[traced_span(err_if = |_| true)]
fn find() -> bool {
    true
}

fn main() {
    find();
}
