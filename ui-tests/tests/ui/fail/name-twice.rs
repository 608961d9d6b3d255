use otel_runtime::traced_span;

#[traced_span("room.find", name = "room.search")]
fn find() {}

fn main() {
    find();
}
