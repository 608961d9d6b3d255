#![deny(warnings)]

use otel_runtime::{span_attr, span_event, traced_span};

struct Room {
    beds: u32,
    name: String,
}

#[traced_span]
#[expect(clippy::never_loop)]
fn everywhere(room: &mut Room) -> Result<u32, String> {
    #[span_attr]
    let mut beds = room.beds;
    #[span_attr("beds.typed")]
    #[span_event("counted")]
    let typed: u64 = beds.into();
    #[span_attr("pair" = pair.0)]
    let pair = (typed, 1);
    #[span_event("named", "name" = name)]
    let Some(name) = room.name.get(..1) else {
        return Err("no name".to_owned());
    };
    #[span_event("declared")]
    #[expect(clippy::needless_late_init)]
    let late;
    #[span_attr("beds" = beds)]
    if beds == 0 {
        beds += 9;
    } else {
        beds += 1;
    }
    #[span_event("matched", "beds" = beds)]
    match beds {
        1 => return Ok(1),
        _ => late = 2,
    }
    #[span_event("looped")]
    loop {
        break;
    }
    #[span_event("for", "n" = beds)]
    for _ in 0..late {
        beds += 1;
    }
    #[span_attr("while" = beds)]
    while beds > 4 {
        beds -= 1;
    }
    #[span_event("block")]
    {
        beds += 1;
    }
    #[span_attr("assigned" = room.beds)]
    room.beds = beds;
    #[span_event("called")]
    room.name.push('!');
    #[span_event("macro")]
    assert!(beds > 0);
    #[span_event("two")]
    #[span_attr("two" = 2)]
    assert_eq!(pair.1, 1);
    #[span_event("last", "beds" = beds)]
    Ok(beds)
}

#[traced_span]
fn unit_last() {
    #[span_event("only")]
    println!();
}

fn main() {
    let mut room = Room { beds: 2, name: "a".to_owned() };
    assert_eq!(everywhere(&mut room), Ok(5));
    assert_eq!((room.beds, room.name.as_str()), (5, "a!"));
    room.name.clear();
    assert!(everywhere(&mut room).is_err());
    unit_last();
}
