#![deny(warnings)]

use otel_runtime::{span_attr, span_event, traced_span};

mod keys {
    pub const ROOM: &str = "room.id";
}

struct Booking {
    id: u64,
    room: String,
}

#[traced_span("booking.store")]
#[span_attr("room" = booking.room, nights = nights, keys::ROOM = 7, {concat!("a", ".b")} = "x", fresh = true)]
#[span_attr(booking.id = booking.id, name = %booking.room, debug = ?nights, copied = |ok| ok.id)]
#[span_event("booking.received", "payload" = format!("{}", booking.id))]
#[span_event("booking.stored", "id" = |ok| ok.id)]
fn store(booking: Booking, nights: Option<u8>) -> Result<Booking, std::io::Error> {
    Ok(booking)
}

#[span_event("above")]
#[otel_runtime::span_attr("above" = 1)]
#[traced_span]
#[otel_runtime::span_event("below", "n" = n)]
async fn either_side(n: usize) -> usize {
    ::core::future::ready(()).await;
    n
}

#[traced_span]
fn parameters(
    #[span_attr] room: u32,
    #[span_attr("guest.name")] guest: &str,
    #[span_attr] mut left: i64,
) -> i64 {
    left -= 1;
    left + i64::from(room) + i64::try_from(guest.len()).unwrap_or(0)
}

#[span_attr("room" = room, "answer" = |answer| *answer)]
#[span_event("on.its.own")]
fn untraced(room: &str) -> usize {
    room.len()
}

#[span_attr("room" = room, "answer" = |answer| *answer)]
#[span_event("on.its.own")]
async fn untraced_async(room: &str) -> usize {
    ::core::future::ready(()).await;
    room.len()
}

fn main() {
    let booking = Booking {
        id: 1,
        room: "a".to_owned(),
    };
    assert_eq!(store(booking, None).unwrap().id, 1);
    drop(either_side(1));
    assert_eq!(parameters(1, "ab", 2), 4);
    assert_eq!(untraced("ab"), 2);
    drop(untraced_async("ab"));
}
