//! A future that records attributes is larger by no more than 64 bytes.

#![deny(warnings)]

use otel_runtime::{span_attr, traced_span};

async fn plain(array: [u8; 256]) -> u32 {
    std::future::ready(()).await;
    array.iter().map(|it| u32::from(*it)).sum()
}

#[traced_span]
#[span_attr("length" = 1)]
async fn literal(array: [u8; 256]) -> u32 {
    std::future::ready(()).await;
    array.iter().map(|it| u32::from(*it)).sum()
}

#[traced_span]
async fn parameter(#[span_attr] array: [u8; 256]) -> u32 {
    std::future::ready(()).await;
    array.iter().map(|it| u32::from(*it)).sum()
}

fn main() {
    let plain = size_of_val(&plain([0; 256]));
    assert!(size_of_val(&literal([0; 256])) - plain <= 64);
    assert!(size_of_val(&parameter([0; 256])) - plain <= 64);
}
