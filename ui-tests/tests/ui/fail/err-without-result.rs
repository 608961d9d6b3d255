use otel_runtime::traced_span;

#[traced_span(err = display)]
fn find() -> u32 {
    1
}

fn main() {
    find();
}
