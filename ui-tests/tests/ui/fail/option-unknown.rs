use otel_runtime::traced_span;

#[traced_span("room.find", knd = server)]
fn find() {}

fn main() {
    find();
}
