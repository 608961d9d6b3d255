#![deny(warnings)]
#![expect(clippy::unused_async, reason = "it is so without the attribute too")]

use std::fmt::{self, Display};

use futures_util::FutureExt as _;
use otel_runtime::{span_attr, traced_span};

#[traced_span]
#[span_attr("shown" = |shown| format!("{shown}!"))]
fn shown(beds: u32) -> Result<impl Display, String> {
    struct Room(u32);

    impl Display for Room {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write!(f, "{} beds", self.twice())
        }
    }

    trait Twice {
        const FACTOR: u32;
        fn twice(&self) -> u32;
    }

    impl Twice for Room {
        const FACTOR: u32 = 2;
        fn twice(&self) -> u32 {
            self.0 * Self::FACTOR
        }
    }

    Ok(Room(beds))
}

#[traced_span]
async fn chosen(text: &str) -> Option<u32> {
    enum Choice {
        Known(u32),
        Unknown,
    }
    use Choice::{Known, Unknown};
    type Picked = Choice;
    fn choice(text: &str) -> Picked {
        text.parse().map_or(Unknown, Known)
    }
    match choice(text) {
        Known(n) => Some(n),
        Unknown => None,
    }
}

fn main() {
    assert_eq!(shown(2).map(|it| it.to_string()), Ok("4 beds".to_owned()));
    assert_eq!((chosen("1").now_or_never(), chosen("x").now_or_never()), (Some(Some(1)), Some(None)));
}
