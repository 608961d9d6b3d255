use otel_runtime::{span_attr, traced_span};

struct Room;

#[traced_span]
#[span_attr("room" = |room| room)]
fn find() -> Room {
    Room
}

fn main() {
    find();
}
