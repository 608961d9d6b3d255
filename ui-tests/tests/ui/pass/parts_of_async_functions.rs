#![deny(warnings)]

use futures_util::FutureExt as _;
use futures_util::future::join;
use otel_runtime::{span_attr, traced_span};

#[traced_span]
async fn looped(numbers: Vec<u32>) -> Option<u32> {
    let mut left = numbers.into_iter();
    let mut sum = 0;
    #[traced_span("all")]
    while let Some(n) = std::future::ready(left.next()).await {
        #[traced_span("one")]
        match n {
            3 => continue,
            8 => return None,
            9 => break,
            _ => std::future::ready(()).await,
        }
        sum += #[traced_span("add")]
        std::future::ready(n).await;
    }
    Some(sum)
}

#[traced_span]
async fn joined(n: u32) -> (u32, Result<u32, String>) {
    let plain = #[traced_span("plain")]
    async {
        n
    };
    let fallible = #[traced_span("fallible")]
    async move {
        if n == 0 {
            return Err("none".to_owned());
        }
        Ok(n + 1)
    };
    join(plain, fallible).await
}

#[traced_span]
async fn last(n: u32) -> Result<u32, String> {
    let checked: Result<u32, String> = async { n.checked_sub(1).ok_or_else(String::new) }.await;
    #[span_attr("checked" = ?checked)]
    let n = checked.as_ref().map_err(String::clone)?;
    #[traced_span("last")]
    if *n > 0 {
        Ok(std::future::ready(*n).await)
    } else {
        Err("zero".to_owned())
    }
}

#[traced_span]
async fn closure(by: u32) -> impl AsyncFn(u32) -> u32 {
    ::core::future::ready(()).await;
    async move |n| n + by
}

fn main() {
    assert_eq!(looped(vec![1, 3, 2, 9, 5]).now_or_never(), Some(Some(3)));
    assert_eq!(looped(vec![8]).now_or_never(), Some(None));
    assert_eq!(joined(1).now_or_never(), Some((1, Ok(2))));
    assert_eq!(
        (last(2).now_or_never(), last(0).now_or_never()),
        (Some(Ok(1)), Some(Err(String::new())))
    );
    assert_eq!(
        closure(1).now_or_never().unwrap()(2).now_or_never(),
        Some(3)
    );
}
