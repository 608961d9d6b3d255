//! What the API takes to make a span current, whatever the span does: here it does nothing.

use opentelemetry::Context;
use opentelemetry::trace::noop::NoopSpan;
use opentelemetry::trace::{FutureExt as _, TraceContextExt as _};

use super::null::under;
use super::{Functions, Pending, block_on};

fn context() -> Context {
    Context::current_with_span(NoopSpan::DEFAULT)
}

#[inline(never)]
fn plain(number: u64) -> u64 {
    let _current = context().attach();
    number.wrapping_mul(3)
}

#[inline(never)]
fn attributes(number: u64, room: &str, price: f64, is_new: bool) -> u64 {
    let _current = context().attach();
    std::hint::black_box((room, price, is_new));
    number.wrapping_mul(3)
}

fn tree(number: u64) -> u64 {
    let _current = context().attach();
    (0..10).map(|_| chain(number, 10)).sum()
}

#[inline(never)]
fn chain(number: u64, depth: u32) -> u64 {
    let _current = context().attach();
    if depth == 1 {
        number
    } else {
        std::hint::black_box(chain(number, depth - 1))
    }
}

async fn task(number: u64) -> u64 {
    async {
        Pending(3).await;
        number
    }
    .with_context(context())
    .await
}

pub(super) fn functions() -> Functions {
    Functions {
        plain,
        attributes,
        leaf: plain,
        leaf_attributes: attributes,
        tree,
        task: |number| block_on(task(number)),
        under,
        flush: Box::new(|| None),
    }
}
