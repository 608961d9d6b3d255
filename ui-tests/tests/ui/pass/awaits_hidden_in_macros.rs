//! A macro may hide an `.await`; the part that it stands in may be traced nevertheless.

#![deny(warnings)]

use std::future::{Future, ready};
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use otel_runtime::traced_span;

macro_rules! sum {
    ($($n:expr),*) => { 0 $(+ $n.await)* };
}

macro_rules! failing {
    ($result:expr) => {
        $result.await?
    };
}

#[traced_span]
async fn add(text: &str) -> Result<u32, std::num::ParseIntError> {
    #[traced_span("sum")]
    let sum = sum!(ready(1), ready(2));
    #[traced_span("rest")]
    let rest = {
        let rest: u32 = failing!(ready(text.parse::<u32>()));
        rest
    };
    Ok(sum + rest)
}

fn is_send(_: &impl Send) {}

fn main() {
    for (text, expected) in [("4", Some(7)), ("x", None)] {
        let future = add(text);
        is_send(&future);
        let Poll::Ready(sum) = pin!(future).poll(&mut Context::from_waker(Waker::noop())) else {
            panic!("it is ready at once");
        };
        assert_eq!(sum.ok(), expected);
    }
}
