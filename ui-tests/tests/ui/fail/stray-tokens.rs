use otel_runtime::traced_span;

#[traced_span("room.find", kind = server => client)]
fn find() {}

fn main() {
    find();
}
