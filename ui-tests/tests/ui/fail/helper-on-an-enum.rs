use otel_runtime::span_attr;

#[span_attr("room" = 1)]
enum Room {
    Single,
}

fn main() {
    let _ = Room::Single;
}
