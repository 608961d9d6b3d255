use otel_runtime::traced_span;

struct Rooms;

#[traced_span("rooms")]
impl Rooms {
    fn count(&self) -> u32 {
        1
    }
}

fn main() {
    Rooms.count();
}
