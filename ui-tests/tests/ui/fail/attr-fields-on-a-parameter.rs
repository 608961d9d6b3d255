use otel_runtime::{span_attr, traced_span};

#[traced_span]
fn find(#[span_attr("id" = id)] id: u32) -> u32 {
    id
}

fn main() {
    find(1);
}
