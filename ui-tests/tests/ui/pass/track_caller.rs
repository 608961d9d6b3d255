#![deny(warnings)]

use std::panic::Location;

use otel_runtime::{span_attr, traced_span};

#[track_caller]
#[traced_span]
fn line() -> u32 {
    Location::caller().line()
}

#[traced_span("named", leaf)]
#[span_attr("n" = n)]
#[track_caller]
fn fallible(n: u32) -> Result<u32, String> {
    if n == 0 {
        return Err("none".to_owned());
    }
    Ok(Location::caller().line())
}

struct Rooms(u32);

#[traced_span]
impl Rooms {
    #[track_caller]
    fn line(&self) -> u32 {
        self.0 + Location::caller().line()
    }
}

fn main() {
    assert_eq!(line(), line!());
    assert_eq!(fallible(1), Ok(line!()));
    assert_eq!(Rooms(1).line(), line!() + 1);
}
