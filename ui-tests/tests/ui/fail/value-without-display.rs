use otel_runtime::{span_attr, traced_span};

struct Room;

#[traced_span]
#[span_attr("room" = %room)]
fn find(room: &Room) {
    let _ = room;
}

fn main() {
    find(&Room);
}
