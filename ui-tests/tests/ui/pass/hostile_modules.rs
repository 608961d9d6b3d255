#![deny(warnings)]

mod core {}
mod std {}
mod alloc {}
mod opentelemetry {}
mod otel_runtime {}
mod futures_core {}
mod __private {}
mod future {}

use ::otel_runtime::{attr, event, span, span_attr, span_event, traced_span};
use ::std::future::Future;
use ::std::pin::Pin;

#[traced_span("hostile", kind = client, err = debug)]
#[span_attr("n" = n, "twice" = |twice| *twice)]
#[span_event("seen")]
fn sync(n: u32) -> Result<u32, String> {
    #[traced_span("inner")]
    attr!("n" = n);
    event!("event");
    Ok(span!("span", { n * 2 }))
}

#[traced_span]
async fn later(n: u32) -> Result<u32, String> {
    #[traced_span("wait")]
    ::std::future::ready(()).await;
    Ok(n)
}

#[traced_span]
fn opaque(n: u32) -> impl Future<Output = u32> {
    ::std::future::ready(n)
}

#[traced_span]
fn boxed(n: u32) -> Pin<Box<dyn Future<Output = u32> + Send>> {
    Box::pin(async move { n })
}

fn main() {
    assert_eq!(sync(2), Ok(4));
    drop((later(1), opaque(1), boxed(1)));
}
