#![deny(warnings)]

use otel_runtime::{attr, event, span};

fn search(rooms: &[u32], id: u32) -> Option<usize> {
    let at = span!("search", kind = client, {
        attr!("rooms" = rooms.len(), id = id, "shown" = %id, "debug" = ?rooms);
        rooms.iter().position(|room| *room == id)?
    });
    event!("found", "at" = at);
    span!("loop", leaf, {
        for room in rooms {
            if *room == 0 {
                return None;
            }
        }
    });
    Some(span!("value", { at + 1 }))
}

fn main() {
    assert_eq!(search(&[7], 7), Some(1));
    match 1 {
        1 => event!("one"),
        _ => attr!("other" = true),
    }
}
