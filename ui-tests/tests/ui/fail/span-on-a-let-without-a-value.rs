use otel_runtime::traced_span;

#[traced_span]
fn find() -> u32 {
    #[traced_span("count")]
    let count;
    count = 1;
    count
}

fn main() {
    find();
}
