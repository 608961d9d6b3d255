use otel_runtime::{span_attr, traced_span};

#[traced_span]
#[span_attr("id" = |id| %id, "also" = |id| ?id)]
fn find() -> u32 {
    1
}

fn main() {
    find();
}
