#![deny(warnings)]

use futures_util::FutureExt as _;
use otel_runtime::{span_attr, span_event, traced_span};

#[traced_span]
fn sync(mut text: Option<&str>) -> Result<u32, std::num::ParseIntError> {
    #[span_event("checked")]
    if let Some(text) = text
        && let [first, .., last] = text.as_bytes()
        && first == last
    {
        return text.parse();
    }
    #[traced_span("loop")]
    while let Some(left) = text
        && left.len() > 1
    {
        text = left.get(1..);
    }
    Ok(0)
}

#[traced_span]
async fn later(numbers: &[u32]) -> Option<u32> {
    #[span_attr]
    let found = if let Some(first) = numbers.first()
        && let Some(last) = std::future::ready(numbers.last()).await
        && first < last
    {
        *last
    } else {
        return None;
    };
    match found {
        n if let 1..=9 = n
            && n > 2 =>
        {
            #[traced_span("large")]
            Some(n)
        }
        _ => Some(0),
    }
}

#[traced_span]
async fn traced(numbers: &[u32]) -> Option<u32> {
    let mut left = numbers.to_vec();
    while let Some(last) = #[traced_span("pop")] left.pop()
        && last > 3
    {}
    if let Some(first) = #[traced_span("first")] numbers.first()
        && let Some(last) = #[traced_span("last")]
        {
            std::future::ready(numbers.last()).await
        }
        && let 1.. = 1 + #[traced_span("number")] *last
        && let Ok(next) = u32::try_from(#[traced_span("length")] left.len())
    {
        return Some(first + last + next);
    }
    None
}

fn main() {
    assert_eq!(traced(&[1, 7, 8]).now_or_never(), Some(Some(9)));
    assert_eq!((sync(Some("121")), sync(Some("12")), sync(None)), (Ok(121), Ok(0), Ok(0)));
    assert_eq!((later(&[1, 7]).now_or_never(), later(&[2, 1]).now_or_never()), (Some(Some(7)), Some(None)));
}
