use otel_runtime::traced_span;

fn find(id: u32) -> u32 {
    #[traced_span("double")]
    let twice = id * 2;
    twice
}

fn main() {
    find(1);
}
