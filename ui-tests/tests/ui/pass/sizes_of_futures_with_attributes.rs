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

mod texts {
    pub(crate) async fn plain(mut name: String, other: Vec<u8>) -> usize {
        std::future::ready(()).await;
        name.push('!');
        name.len() + other.len()
    }

    #[otel_runtime::traced_span]
    #[otel_runtime::span_attr("length" = other.len(), "other" = ?other, "result" = |length| *length)]
    #[otel_runtime::span_event("asked", "name" = name)]
    pub(crate) async fn traced(
        #[otel_runtime::span_attr] mut name: String,
        other: Vec<u8>,
    ) -> usize {
        std::future::ready(()).await;
        name.push('!');
        name.len() + other.len()
    }

    #[otel_runtime::traced_span]
    pub(crate) async fn unused(
        #[otel_runtime::span_attr] name: String,
        #[otel_runtime::span_attr] other: &mut u32,
    ) {
        std::future::ready(()).await;
    }
}

mod arrays {
    pub(crate) async fn plain(bytes: [u8; 256]) -> usize {
        std::future::ready(()).await;
        bytes.len()
    }

    #[otel_runtime::traced_span]
    #[otel_runtime::span_attr("length" = bytes.len(), "first" = bytes[0])]
    pub(crate) async fn traced(bytes: [u8; 256]) -> usize {
        std::future::ready(()).await;
        bytes.len()
    }
}

fn main() {
    let of_array = size_of_val(&arrays::plain([0; 256]));
    assert!(size_of_val(&arrays::traced([0; 256])) - of_array <= 64);
    let plain = size_of_val(&plain([0; 256]));
    assert!(size_of_val(&literal([0; 256])) - plain <= 64);
    assert!(size_of_val(&parameter([0; 256])) - plain <= 64);
    let plain = size_of_val(&texts::plain(String::new(), Vec::new()));
    let traced = size_of_val(&texts::traced(String::new(), Vec::new()));
    assert!(traced - plain <= 64);
    drop(texts::unused(String::new(), &mut 1));
}
