use otel_runtime::traced_span;

#[traced_span]
fn find(#[traced_span] id: u32) -> u32 {
    id
}

fn main() {
    find(1);
}
