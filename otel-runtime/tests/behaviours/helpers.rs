//! Attributes and events of functions.

use otel_runtime::{span_attr, span_event, traced_span};

use super::{block_on, pause, record};

#[derive(Clone)]
struct Booking {
    id: u64,
    room: &'static str,
}

#[traced_span("booking.store", kind = client)]
#[span_attr("room" = booking.room, nights = nights, "guest" = guest, "booking.id" = |ok| ok.id)]
#[span_event("booking.received", "payload" = format!("{}", booking.id))]
#[span_event("booking.stored", "id" = |ok| ok.id)]
fn store(booking: Booking, nights: u8, guest: Option<&str>) -> Result<Booking, String> {
    Ok(booking)
}

#[test]
fn attributes_and_events_of_a_function() {
    let recorded = record();
    let booking = Booking {
        id: 7,
        room: "blue",
    };
    assert!(store(booking, 2, None).is_ok());
    recorded.check_attributes(&[
        "CLIENT booking.store",
        "    · booking.id = 7",
        "    · nights = 2",
        "    · room = \"blue\"",
        "    * booking.received",
        "      · payload = \"7\"",
        "    * booking.stored",
        "      · id = 7",
    ]);
}

#[traced_span]
#[span_event("asked", "n" = n)]
#[span_event("found", "n" = n, "id" = |ok| *ok)]
async fn find(n: u32) -> Result<u32, String> {
    pause().await;
    if n > 0 {
        Ok(n * 2)
    } else {
        Err("none".to_owned())
    }
}

/// On the span around it.
#[span_event("counted", "count" = |ok| *ok)]
fn count(n: u32) -> Result<u32, String> {
    n.checked_sub(1).ok_or_else(String::new)
}

#[test]
fn an_event_of_the_result_needs_one() {
    #[traced_span]
    fn around() {
        assert!(count(1).is_ok());
        assert!(count(0).is_err());
    }
    let recorded = record();
    assert!(block_on(find(1)).is_ok());
    assert!(block_on(find(0)).is_err());
    around();
    recorded.check_attributes(&[
        "INTERNAL find",
        "    * asked",
        "      · n = 1",
        "    * found",
        "      · id = 2",
        "      · n = 1",
        "INTERNAL find ERROR: none",
        "    · error.type = \"alloc::string::String\"",
        "    * asked",
        "      · n = 0",
        "    * exception",
        "      · exception.message = \"none\"",
        "      · exception.type = \"alloc::string::String\"",
        "INTERNAL around",
        "    * counted",
        "      · count = 0",
    ]);
}

#[span_event("above", "n" = n)]
#[span_attr("above" = 1)]
#[traced_span]
#[otel_runtime::span_attr("below" = 2)]
async fn either_side(#[span_attr] n: u32, #[span_attr("named")] other: &str) {
    pause().await;
}

#[test]
fn helpers_work_on_either_side() {
    let recorded = record();
    block_on(either_side(3, "x"));
    recorded.check_attributes(&[
        "INTERNAL either_side",
        "    · above = 1",
        "    · below = 2",
        "    · n = 3",
        "    · named = \"x\"",
        "    * above",
        "      · n = 3",
    ]);
}

#[span_attr("room" = room, "length" = |length| *length)]
#[span_event("seen")]
fn untraced(room: &str) -> usize {
    room.len()
}

#[span_attr("later" = room, "later.length" = |length| *length)]
async fn untraced_later(room: &str) -> usize {
    pause().await;
    room.len()
}

#[traced_span]
async fn around() {
    untraced("blue");
    untraced_later("green").await;
}

#[test]
fn helpers_alone_act_on_the_current_span() {
    let recorded = record();
    block_on(around());
    untraced("nowhere");
    recorded.check_attributes(&[
        "INTERNAL around",
        "    · later = \"green\"",
        "    · later.length = 5",
        "    · length = 4",
        "    · room = \"blue\"",
        "    * seen",
    ]);
}
