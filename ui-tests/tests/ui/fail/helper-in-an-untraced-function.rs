use otel_runtime::span_event;

fn find(id: u32) -> u32 {
    id
}

fn main() {
    #[span_event("found")]
    find(1);
}
