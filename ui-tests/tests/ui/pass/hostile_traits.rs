//! A trait in scope that has methods of all sorts of names on every type.

#![deny(warnings)]
#![allow(dead_code)]

use futures_util::FutureExt as _;
use otel_runtime::{attr, event, span, span_attr, span_event, traced_span};

/// Methods on everything, by value, which come before inherent methods that borrow.
#[expect(clippy::wrong_self_convention)]
trait OnEverything: Sized {
    fn start(self) {}
    fn name(self) {}
    fn parent(self) {}
    fn links(self) {}
    fn enter(self) {}
    fn current(self) {}
    fn fields(self) {}
    fn set(self) {}
    fn set_static(self) {}
    fn set_display(self) {}
    fn set_debug(self) {}
    fn set_result(self) {}
    fn event(self) {}
    fn is_recording(self) -> bool {
        false
    }
    fn fail(self) {}
    fn failure(self) {}
    fn value(self) {}
    fn finish(self) {}
    fn within(self) {}
    fn into_task(self) {}
}

impl<T> OnEverything for T {}

#[traced_span("hostile", kind = client)]
#[span_attr("n" = n, shown = %n, debugged = ?n, "twice" = |twice| *twice)]
#[span_event("seen", "n" = n)]
fn sync(n: u32) -> Result<u32, String> {
    #[span_attr]
    let more = n + 1;
    attr!("more" = more);
    event!("event", "n" = n);
    Ok(span!("span", { n * 2 }))
}

#[traced_span(name = format!("{n}"), err = debug)]
async fn later(n: u32) -> Result<u32, String> {
    #[traced_span("wait")]
    std::future::ready(()).await;
    Ok(n)
}

#[traced_span]
fn handed_out(n: u32) -> impl Future<Output = u32> {
    std::future::ready(n)
}

fn main() {
    ().start();
    assert_eq!(sync(2), Ok(4));
    assert_eq!(later(1).now_or_never(), Some(Ok(1)));
    assert_eq!(handed_out(1).now_or_never(), Some(1));
}
