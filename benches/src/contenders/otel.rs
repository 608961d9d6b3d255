//! `otel`, over the SDK.

use opentelemetry::trace::{FutureExt as _, TraceContextExt as _};
use opentelemetry::{Context, KeyValue};

use super::null::{flush, provider, under};
use super::{Failure, Functions, Pending, Setup, block_on};

otel::tracer!();

#[inline(never)]
fn plain(number: u64) -> u64 {
    otel::span!("plain");
    number.wrapping_mul(3)
}

#[inline(never)]
fn attributes(number: u64, room: &str, price: f64, is_new: bool) -> u64 {
    otel::span!(
        "attributes",
        "user.id" = number.cast_signed(),
        "room" = room.to_owned(),
        "price" = price,
        "is_new" = is_new
    );
    Context::map_current(|context| {
        context
            .span()
            .add_event("checked", vec![KeyValue::new("nights", 3)]);
    });
    number.wrapping_mul(3)
}

fn tree(number: u64) -> u64 {
    otel::span!("tree");
    (0..10).map(|_| chain(number, 10)).sum()
}

#[inline(never)]
fn chain(number: u64, depth: u32) -> u64 {
    otel::span!("chain");
    if depth == 1 {
        number
    } else {
        std::hint::black_box(chain(number, depth - 1))
    }
}

async fn task(number: u64) -> u64 {
    let context = otel::span!(^ "task");
    async {
        Pending(3).await;
        number
    }
    .with_context(context)
    .await
}

pub(super) fn start(setup: &Setup) -> Result<Functions, Failure> {
    let provider = provider(setup)?;
    Ok(Functions {
        plain,
        attributes,
        leaf: plain,
        leaf_attributes: attributes,
        tree,
        task: |number| block_on(task(number)),
        under,
        flush: flush(provider),
    })
}
