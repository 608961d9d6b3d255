use otel_runtime::traced_span;

#[traced_span]
fn find() -> u32 {
    #[traced_span("")]
    let count = 1;
    count
}

fn main() {
    find();
}
