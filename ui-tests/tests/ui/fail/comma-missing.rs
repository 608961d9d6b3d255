use otel_runtime::traced_span;

#[traced_span("room.find" kind = server)]
fn find() {}

fn main() {
    find();
}
