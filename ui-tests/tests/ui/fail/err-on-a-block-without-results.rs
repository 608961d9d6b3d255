use otel_runtime::traced_span;

struct Rooms;

#[traced_span(kind = client, err = debug)]
impl Rooms {
    fn count(&self) -> u32 {
        1
    }

    fn none() -> Rooms {
        Rooms
    }
}

fn main() {
    Rooms::none().count();
}
