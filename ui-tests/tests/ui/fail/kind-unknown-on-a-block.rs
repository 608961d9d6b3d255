use otel_runtime::traced_span;

struct Rooms;

#[traced_span(kind = sever)]
impl Rooms {
    fn count(&self) -> u32 {
        1
    }

    fn total(&self) -> u32 {
        2
    }
}

fn main() {
    Rooms.count();
    Rooms.total();
}
