#![deny(warnings)]

use otel_runtime::traced_span;

#[traced_span]
fn nothing() {}

#[traced_span("room.double")]
fn double(room: u32) -> u32 {
    room * 2
}

#[traced_span("room.parse", kind = server)]
fn parse(text: &str) -> Result<u32, std::num::ParseIntError> {
    let room = text.parse()?;
    if room == 0 {
        return Ok(1);
    }
    Ok(room)
}

fn main() {
    nothing();
    assert_eq!(double(2), 4);
    assert_eq!(parse("0"), Ok(1));
    assert!(parse("x").is_err());
}
