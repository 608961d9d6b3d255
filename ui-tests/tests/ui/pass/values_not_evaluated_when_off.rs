//! Without any provider nothing that is written on a function is evaluated, names included.

#![deny(warnings)]

use std::cell::Cell;

use futures_util::FutureExt as _;
use otel_runtime::{attr, event, span, span_attr, span_event, traced_span};

thread_local! {
    static EVALUATED: Cell<u32> = const { Cell::new(0) };
}

fn value() -> u32 {
    EVALUATED.set(EVALUATED.get() + 1);
    1
}

#[traced_span(name = format!("n.{}", value()), err = |error| format!("{error}{}", value()), err_if = |_| value() > 0)]
#[span_attr("a" = value(), {format!("key{}", value())} = 1, "shown" = %value(), "debug" = ?value())]
#[span_attr("ok" = |ok| *ok + value())]
#[span_event("seen", "a" = value())]
fn sync(n: u32) -> Result<u32, String> {
    attr!("a" = value());
    event!("event", "a" = value());
    let n = span!(name = format!("{}", value()), { n + 1 });
    #[span_attr("a" = value())]
    #[span_event("checked", "a" = value())]
    if n > 5 {
        return Err("too many".to_owned());
    }
    Ok(n)
}

#[traced_span]
#[span_attr("a" = value(), "result" = |result| *result + value())]
async fn later(n: u32) -> u32 {
    #[traced_span(name = value().to_string())]
    std::future::ready(n).await
}

#[span_attr("a" = value())]
#[span_event("alone", "a" = value())]
fn alone() {}

fn main() {
    // Nobody has set a provider.
    assert_eq!((sync(1), sync(9).is_err()), (Ok(2), true));
    assert_eq!(later(1).now_or_never(), Some(1));
    alone();
    assert_eq!(EVALUATED.get(), 0);
}
