#![deny(warnings)]
#![no_implicit_prelude]

use ::otel_runtime::{span_attr, traced_span};

#[traced_span("bare")]
#[span_attr("n" = n, "text" = %n)]
fn bare(n: u32) -> ::std::result::Result<u32, ::std::string::String> {
    ::std::result::Result::Ok(n)
}

#[traced_span]
async fn bare_later(#[span_attr] n: u32) -> u32 {
    ::core::future::ready(()).await;
    n
}

fn main() {
    ::std::assert!(bare(1).is_ok());
    ::std::mem::drop(bare_later(1));
}
