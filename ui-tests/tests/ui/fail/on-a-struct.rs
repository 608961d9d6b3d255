use otel_runtime::traced_span;

#[traced_span]
struct Room;

fn main() {
    let _ = Room;
}
