use otel_runtime::traced_span;

#[traced_span("room")]
enum Room {
    Single,
}

fn main() {
    let _ = Room::Single;
}
