#![deny(warnings)]

use futures_util::FutureExt as _;
use otel_runtime::{span_attr, span_event, traced_span};

#[traced_span]
fn sync(texts: Vec<String>) -> Result<Vec<u32>, std::num::ParseIntError> {
    let mut calls = 0;
    let mut parse = #[traced_span("parse")]
    |text: &String| -> Result<u32, std::num::ParseIntError> {
        calls += 1;
        if text.is_empty() {
            return Ok(0);
        }
        #[span_event("parsing")]
        let n: u32 = text.parse()?;
        Ok(n)
    };
    let all = texts.iter().map(&mut parse).collect::<Result<Vec<_>, _>>()?;
    let given = #[traced_span("given")]
    move || texts;
    let total = #[traced_span("total", leaf)]
    |numbers: &[u32]| numbers.iter().sum::<u32>();
    let sum = total(&all);
    #[span_attr]
    let count = given().len();
    Ok(vec![sum, calls, u32::try_from(count).unwrap_or(0)])
}

#[traced_span]
async fn later(n: u32) -> Result<u32, String> {
    let task = #[traced_span("make")]
    |by: u32| {
        #[traced_span("task")]
        async move {
            if by == 0 {
                return Err("none".to_owned());
            }
            Ok(n + by)
        }
    };
    let block = #[traced_span("block")]
    async {
        std::future::ready(()).await;
        n
    };
    Ok(task(1).await? + block.await)
}

#[traced_span]
fn inferred() -> Option<String> {
    let first: fn(&str) -> Option<&str> = #[traced_span("first")]
    |text| text.get(..1);
    Some(first("ab")?.to_owned())
}

fn main() {
    let texts = ["1", "", "2"].map(str::to_owned).to_vec();
    assert_eq!(sync(texts), Ok(vec![3, 3, 3]));
    assert!(sync(vec!["x".to_owned()]).is_err());
    assert_eq!(later(1).now_or_never(), Some(Ok(3)));
    assert_eq!(inferred().as_deref(), Some("a"));
}
