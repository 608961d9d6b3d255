use otel_runtime::traced_span;

#[traced_span("room.find", knd = server)]
fn find() {}

#[traced_span(Leaf)]
fn hash() {}

fn main() {
    hash();
    find();
}
