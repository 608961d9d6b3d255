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

/// Errors of the first are left alone, as its result cannot be seen.
#[traced_span(err = debug)]
impl Rooms {
    #[track_caller]
    fn line_of(&self, n: u32) -> Result<u32, String> {
        fallible(n)?;
        Ok(self.0 + Location::caller().line())
    }

    fn beds(&self) -> Result<u32, String> {
        fallible(self.0).map(|_| self.0)
    }
}

#[traced_span(err = off)]
#[track_caller]
fn without_errors(n: u32) -> Result<u32, String> {
    fallible(n)?;
    Ok(Location::caller().line())
}

#[traced_span(err = off)]
mod left_alone {
    use super::{Location, fallible};

    #[track_caller]
    pub(crate) fn line(n: u32) -> Result<u32, String> {
        fallible(n)?;
        Ok(Location::caller().line())
    }
}

fn main() {
    assert_eq!(line(), line!());
    assert_eq!(fallible(1), Ok(line!()));
    assert_eq!(Rooms(1).line(), line!() + 1);
    assert_eq!(Rooms(1).line_of(1), Ok(line!() + 1));
    assert_eq!(Rooms(1).beds(), Ok(1));
    assert_eq!(without_errors(1), Ok(line!()));
    assert_eq!(left_alone::line(1), Ok(line!()));
}
