#![deny(warnings)]

use futures_util::FutureExt as _;
use otel_runtime::{span_attr, traced_span};

#[traced_span]
#[span_attr("a" = a, "z" = z)]
#[expect(clippy::too_many_arguments, clippy::many_single_char_names)]
fn sync(
    a: u8,
    b: u8,
    c: u8,
    d: u8,
    e: u8,
    f: u8,
    g: u8,
    h: u8,
    i: u8,
    j: u8,
    k: u8,
    l: u8,
    m: u8,
    n: u8,
    o: u8,
    p: u8,
    q: u8,
    r: u8,
    s: u8,
    t: u8,
    u: u8,
    v: u8,
    w: u8,
    x: u8,
    y: u8,
    z: u8,
) -> Result<u8, String> {
    Ok(a + b
        + c
        + d
        + e
        + f
        + g
        + h
        + i
        + j
        + k
        + l
        + m
        + n
        + o
        + p
        + q
        + r
        + s
        + t
        + u
        + v
        + w
        + x
        + y
        + z)
}

#[traced_span]
#[expect(clippy::too_many_arguments)]
async fn later(
    one: String,
    two: String,
    three: String,
    four: String,
    five: String,
    six: &str,
    seven: Vec<u8>,
    eight: Box<u8>,
    #[span_attr] nine: u8,
    ten: Option<String>,
    (eleven, twelve): (u8, String),
    [thirteen, fourteen]: [u8; 2],
) -> usize {
    ::core::future::ready(()).await;
    let texts = one + &two + &three + &four + &five + six + &ten.unwrap_or_default() + &twelve;
    texts.len() + seven.len() + usize::from(*eight + nine + eleven + thirteen + fourteen)
}

fn main() {
    assert_eq!(
        sync(
            1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1
        ),
        Ok(26)
    );
    let a = || "a".to_owned();
    let future = later(
        a(),
        a(),
        a(),
        a(),
        a(),
        "a",
        vec![1],
        Box::new(1),
        1,
        Some(a()),
        (1, a()),
        [1, 1],
    );
    assert_eq!(future.now_or_never(), Some(14));
}
