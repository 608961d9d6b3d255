use otel_runtime::{span_attr, traced_span};

struct Room;

#[traced_span]
#[span_attr("rooms" = rooms)]
fn find(rooms: &[Room]) -> usize {
    rooms.len()
}

fn main() {
    find(&[Room]);
}
