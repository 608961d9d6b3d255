#![deny(warnings)]
#![expect(clippy::unused_async, reason = "it is so without the attribute too")]
#![expect(clippy::wildcard_imports, reason = "what they bring in is the point")]

use futures_util::FutureExt as _;
use otel_runtime::{span_attr, traced_span};

mod other {
    pub struct Result;
    pub struct Option;
    pub struct String;
    pub const FOUND: u32 = 7;

    #[expect(non_snake_case)]
    pub fn Ok(_: u32) -> u32 {
        1
    }
}

#[traced_span]
#[span_attr("found" = |found| *found)]
fn result(text: &str) -> Result<u32, String> {
    use other::*;
    let _: (self::other::Result, Option, String) = (Result, Option, String);
    if text.is_empty() { Err(text.to_owned()) } else { Err(FOUND - Ok(FOUND)).or_else(result_of) }
}

fn result_of(n: u32) -> Result<u32, String> {
    n.checked_sub(5).ok_or_else(String::new)
}

#[traced_span]
async fn option(n: u32) -> Option<u32> {
    use other::*;
    Some(FOUND + n)
}

fn main() {
    assert_eq!(result("a"), Ok(1));
    assert_eq!(option(1).now_or_never(), Some(Some(8)));
}
