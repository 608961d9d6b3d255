#![deny(warnings)]

use async_trait::async_trait;
use futures_util::FutureExt as _;
use otel_runtime::{span_attr, span_event, traced_span};

#[traced_span("outer", kind = server)]
#[span_attr("between" = n)]
#[traced_span("inner", kind = client)]
#[span_event("below")]
async fn later(n: u32) -> Result<u32, String> {
    Ok(n)
}

#[traced_span("outer")]
#[traced_span("inner")]
fn handed_out(n: u32) -> impl Future<Output = u32> + Send {
    let doubled = n * 2;
    async move { doubled }
}

#[async_trait]
trait Find {
    #[traced_span("outer")]
    #[traced_span("inner")]
    async fn find(&self, n: u32) -> Option<u32> {
        Some(n)
    }
}

struct Rooms;

impl Find for Rooms {}

#[traced_span]
impl Rooms {
    #[traced_span("outer")]
    #[traced_span("inner")]
    fn count(by: &mut u32) -> u32 {
        *by += 1;
        *by
    }
}

fn main() {
    assert_eq!(later(1).now_or_never(), Some(Ok(1)));
    assert_eq!(handed_out(1).now_or_never(), Some(2));
    assert_eq!(Rooms.find(1).now_or_never(), Some(Some(1)));
    assert_eq!(Rooms::count(&mut 1), 2);
}
