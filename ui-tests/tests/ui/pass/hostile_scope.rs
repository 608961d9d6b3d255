#![deny(warnings)]
#![allow(dead_code)]

use hostile::traced_span;

mod hostile {
    pub use ::otel_runtime::{span_attr, span_event, traced_span};

    pub mod core {}
    pub mod std {}
    pub mod alloc {}
    pub mod opentelemetry {}
    pub mod otel_runtime {}

    pub struct Option;
    pub struct Result;
    pub struct Box;
    pub struct Vec;
    pub struct String;
    pub struct Some;
    pub struct None;
    pub struct Ok;
    pub struct Err;

    #[traced_span("hostile", kind = server)]
    #[span_attr("n" = n, "twice" = |twice| *twice)]
    #[span_event("seen", "n" = n)]
    pub fn doubled(n: u32) -> u32 {
        n * 2
    }

    #[traced_span]
    pub fn checked(n: u32) -> ::std::result::Result<u32, ::std::string::String> {
        ::std::result::Result::Ok(n)
    }

    #[traced_span]
    pub async fn later(n: u32) -> ::std::result::Result<u32, ::std::string::String> {
        ::core::future::ready(()).await;
        ::std::result::Result::Ok(n)
    }
}

#[traced_span]
fn main() {
    assert_eq!(hostile::doubled(2), 4);
    assert_eq!(hostile::checked(2), Ok(2));
    drop(hostile::later(2));
}
