use otel_runtime::traced_span;

#[traced_span(skip(id))]
fn find(id: u32) -> u32 {
    id
}

fn main() {
    find(1);
}
