use otel_runtime::{span_attr, traced_span};

struct Rooms;

impl Rooms {
    #[traced_span]
    fn count(#[span_attr] &self) -> u32 {
        1
    }
}

fn main() {
    Rooms.count();
}
