use otel_runtime::{span_attr, traced_span};

#[traced_span]
#[span_attr("id" = id()?)]
fn find() -> Option<u32> {
    id()
}

fn id() -> Option<u32> {
    None
}

fn main() {
    find();
}
