use otel_runtime::traced_span;

struct Room {
    beds: u32,
}

#[traced_span]
fn find(rooms: &mut Vec<Room>, names: &[String; 2], number: u32) -> usize {
    let first = &mut #[traced_span("first")] rooms[0];
    first.beds += number;
    (#[traced_span("beds")] rooms[1].beds) = 2;
    #[traced_span("ignored")]
    let _ = number;
    if number == #[traced_span("compared")] rooms[0].beds {
        _ = #[traced_span("left")] names;
    }
    let _room = Room { beds: 1, ..#[traced_span("rest")] rooms[0] };
    #[traced_span("parts")]
    let Room { beds } = rooms[0];
    let _room = Room { beds };
    match #[traced_span("name")] names[0] {
        ref name => name.len(),
    }
}

fn main() {
    find(&mut Vec::new(), &[String::new(), String::new()], 1);
}
