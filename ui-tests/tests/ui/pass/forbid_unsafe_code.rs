#![deny(warnings)]
#![forbid(unsafe_code)]

use futures_util::FutureExt as _;
use otel_runtime::{event, span, span_attr, traced_span};

#[traced_span]
#[span_attr("n" = n)]
fn sync(n: u32) -> Result<u32, String> {
    let n = span!("inner", { n + 1 });
    event!("done");
    Ok(n)
}

#[traced_span]
async fn later(n: &mut u32) -> &mut u32 {
    #[traced_span("wait")]
    std::future::ready(()).await;
    *n += 1;
    n
}

#[traced_span]
fn handed_out() -> impl Future<Output = u32> {
    std::future::ready(1)
}

fn main() {
    assert_eq!(sync(1), Ok(2));
    assert_eq!(later(&mut 1).now_or_never(), Some(&mut 2));
    assert_eq!(handed_out().now_or_never(), Some(1));
}
