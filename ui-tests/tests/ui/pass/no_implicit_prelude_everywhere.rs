#![deny(warnings)]
#![no_implicit_prelude]

use ::otel_runtime::{attr, event, span, span_attr, span_event, traced_span};
use ::std::boxed::Box;
use ::std::future::Future;
use ::std::pin::Pin;

struct Rooms;

#[traced_span(kind = server)]
impl Rooms {
    #[span_event("counted", "n" = |n| *n)]
    fn count(&self, #[span_attr] more: usize) -> usize {
        ::std::mem::size_of_val(self) + more
    }
}

#[traced_span(err = debug, err_if = |error| *error > 1)]
#[span_attr("list" = [1, 2], "some" = ::std::option::Option::Some(1), "debug" = ?n, "result" = |n| *n)]
fn parts(n: u32) -> ::std::result::Result<u32, u32> {
    #[span_attr]
    let more = n + 1;
    let inner = #[traced_span("inner")]
    {
        more + 1
    };
    attr!("inner" = inner);
    event!("done", "inner" = %inner);
    span!("last", { ::std::result::Result::Ok(inner) })
}

#[traced_span]
fn handed_out(n: u32) -> impl Future<Output = u32> {
    ::std::future::ready(n)
}

#[traced_span]
fn boxed(n: u32) -> Pin<Box<dyn Future<Output = ::std::result::Result<u32, u32>> + ::std::marker::Send>> {
    Box::pin(async move { ::std::result::Result::Ok(n) })
}

#[traced_span]
async fn later(n: u32) -> u32 {
    #[traced_span("wait")]
    ::std::future::ready(()).await;
    n
}

fn main() {
    ::std::assert_eq!(Rooms.count(1), 1);
    ::std::assert_eq!(parts(1), ::std::result::Result::Ok(3));
    ::std::mem::drop((handed_out(1), boxed(1), later(1)));
}
