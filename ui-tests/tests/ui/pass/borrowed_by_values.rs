#![deny(warnings)]

use futures_util::FutureExt as _;
use otel_runtime::{span_attr, span_event, traced_span};

struct Guest {
    name: String,
    nights: Vec<u32>,
}

// What the values name is only borrowed, and can be moved, changed and returned by the body.
#[traced_span]
#[span_attr("name" = guest.name, "nights" = guest.nights, "first" = guest.nights[0], "shown" = %guest.name)]
#[span_event("arrived", "length" = guest.name.len(), "debug" = ?guest.nights)]
fn moved(
    guest: Guest,
    #[span_attr] note: String,
    #[span_attr] mut beds: u32,
) -> Result<(Guest, String), String> {
    beds += 1;
    let Guest { name, nights } = guest;
    #[span_attr]
    let name = name + &note;
    #[span_attr("nights.sum")]
    #[span_event("counted", "name" = name)]
    let sum: u32 = nights.iter().sum::<u32>() + beds;
    if sum == 0 {
        return Err(note);
    }
    Ok((Guest { name, nights }, note))
}

#[traced_span]
#[span_attr("before" = text, "after" = |text| text.as_str())]
async fn changed(text: &mut String, by: Box<str>) -> &mut String {
    ::core::future::ready(()).await;
    #[span_attr]
    let length = text.len();
    text.truncate(length);
    text.push_str(&by);
    text
}

fn main() {
    let guest = Guest {
        name: "a".to_owned(),
        nights: vec![1, 2],
    };
    let (guest, note) = moved(guest, "!".to_owned(), 1).unwrap();
    assert_eq!((guest.name.as_str(), note.as_str()), ("a!", "!"));
    assert_eq!(
        changed(&mut "a".to_owned(), "b".into())
            .now_or_never()
            .unwrap(),
        "ab"
    );
}
