#![deny(warnings)]

use otel_runtime::{span_attr, traced_span};

async fn plain(array: [u8; 256]) -> u32 {
    std::future::ready(()).await;
    array.iter().map(|it| u32::from(*it)).sum()
}

#[traced_span]
#[span_attr("sum" = |sum| *sum)]
async fn traced(array: [u8; 256]) -> u32 {
    std::future::ready(()).await;
    array.iter().map(|it| u32::from(*it)).sum()
}

async fn plain_borrowing(text: &str, out: &mut String) -> Result<usize, String> {
    std::future::ready(()).await;
    out.push_str(text);
    Ok(out.len())
}

#[traced_span]
async fn traced_borrowing(text: &str, out: &mut String) -> Result<usize, String> {
    std::future::ready(()).await;
    out.push_str(text);
    Ok(out.len())
}

fn main() {
    // The arguments live across an await in the plain functions as well.
    let grown = size_of_val(&traced([1; 256])) - size_of_val(&plain([1; 256]));
    assert!(grown <= 64, "grown by {grown} bytes");
    let (mut a, mut b) = (String::new(), String::new());
    let grown = size_of_val(&traced_borrowing("", &mut a)) - size_of_val(&plain_borrowing("", &mut b));
    assert!(grown <= 64, "grown by {grown} bytes");
}
