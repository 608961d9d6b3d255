use otel_runtime::{span_attr, traced_span};

#[traced_span]
#[span_attr("room.id" = 1)]
fn find(#[span_attr("room.id")] id: u32) -> u32 {
    id
}

fn main() {
    find(1);
}
