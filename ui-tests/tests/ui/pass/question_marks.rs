#![deny(warnings)]

use std::ops::ControlFlow;
use std::task::Poll;

use futures_util::FutureExt as _;
use otel_runtime::traced_span;

#[traced_span]
fn option(numbers: &[u32]) -> Option<u32> {
    let first = numbers.first()?;
    let second = numbers.get(1)?;
    first.checked_sub(*second)
}

#[traced_span]
fn control_flow(numbers: &[u32]) -> ControlFlow<u32, String> {
    numbers.iter().try_for_each(|n| if *n > 1 { ControlFlow::Break(*n) } else { ControlFlow::Continue(()) })?;
    ControlFlow::Continue("all".to_owned())
}

#[traced_span]
fn poll(ready: Poll<Result<u32, String>>) -> Poll<Result<u64, Box<dyn std::error::Error>>> {
    let n = match ready? {
        Poll::Ready(n) => n,
        Poll::Pending => return Poll::Pending,
    };
    Poll::Ready(Ok(n.into()))
}

#[traced_span]
async fn in_closures(texts: Vec<String>) -> Result<u32, std::num::ParseIntError> {
    let parse = |text: &String| -> Result<u32, std::num::ParseIntError> { Ok(text.parse::<u32>()? + 1) };
    let mut sum = 0;
    for text in &texts {
        sum += std::future::ready(parse(text)).await?;
    }
    Ok(sum)
}

fn main() {
    assert_eq!((option(&[2, 1]), option(&[1])), (Some(1), None));
    assert_eq!(control_flow(&[1, 2]), ControlFlow::Break(2));
    assert_eq!(control_flow(&[]), ControlFlow::Continue("all".to_owned()));
    assert!(poll(Poll::Pending).is_pending());
    assert!(poll(Poll::Ready(Err("no".to_owned()))).is_ready());
    assert_eq!(in_closures(vec!["1".to_owned()]).now_or_never(), Some(Ok(2)));
}
