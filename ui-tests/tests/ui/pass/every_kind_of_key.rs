#![deny(warnings)]

use otel_runtime::{attr, event, span_attr, span_event, traced_span};

mod keys {
    pub const ROOM: &str = "room.id";
    pub static FLOOR: &str = "room.floor";

    pub mod deeper {
        pub const BEDS: &str = "beds";
    }
}

struct Hotel;

impl Hotel {
    const STARS: &'static str = "hotel.stars";
}

fn key(n: u32) -> String {
    format!("key.{n}")
}

#[traced_span]
#[span_attr("literal" = 1, word = 2, dotted.words = 3, dotted.words.longer.still = 4, r#type = 5, dotted.r#fn = 6)]
#[span_attr(keys::ROOM = 7, self::keys::deeper::BEDS = 8, crate::keys::FLOOR = 9, Hotel::STARS = 10)]
#[span_attr({ key(n) } = 11, { "expression" } = 12, { if n > 0 { "a" } else { "b" } } = 13, r"raw" = 14, "täglich" = 15)]
#[span_event("event", "literal" = 1, dotted.word = 2, keys::ROOM = %n, {key(n + 1)} = ?n,)]
fn keys(n: u32, #[span_attr("parameter",)] a: u32, #[span_attr(dotted.parameter)] b: u32) -> u32 {
    #[span_attr("bound")]
    let sum = a + b;
    attr!(keys::deeper::BEDS = 1, { key(2) } = 2, sum = sum, "trailing" = 3,);
    event!("event", keys::FLOOR = sum, dotted.word = true);
    sum + n
}

fn main() {
    assert_eq!(keys(1, 2, 3), 6);
}
