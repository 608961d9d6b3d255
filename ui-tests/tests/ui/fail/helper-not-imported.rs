use otel_runtime::traced_span;

#[traced_span]
fn find(#[span_attr] id: u32) -> u32 {
    id
}

fn main() {
    find(1);
}
