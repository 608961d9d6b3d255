use otel_runtime::traced_span;

struct Rooms;

#[traced_span]
impl Rooms {
    #[traced_span(skp)]
    fn count(&self) -> u32 {
        1
    }
}

fn main() {
    Rooms.count();
}
