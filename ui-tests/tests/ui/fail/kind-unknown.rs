use otel_runtime::traced_span;

#[traced_span("room.find", kind = sever)]
fn find() {}

fn main() {
    find();
}
