//! `opentelemetry-traceable`, over the SDK.

use opentelemetry::trace::{TraceContextExt as _, TracerProvider as _};
use opentelemetry::{Context, KeyValue};
use opentelemetry_traceable::instrumentation::Instrumentation;
use opentelemetry_traceable::traceable;

use super::null::{flush, provider, under};
use super::{Failure, Functions, Pending, Setup, block_on};

#[inline(never)]
#[traceable(name = "plain")]
fn plain(number: u64) -> u64 {
    number.wrapping_mul(3)
}

#[inline(never)]
#[traceable(name = "attributes", fields("user.id" = number.cast_signed(), "room" = room.to_owned(), "price" = price, "is_new" = is_new))]
fn attributes(number: u64, room: &str, price: f64, is_new: bool) -> u64 {
    Context::map_current(|context| {
        context
            .span()
            .add_event("checked", vec![KeyValue::new("nights", 3)]);
    });
    number.wrapping_mul(3)
}

#[traceable(name = "tree")]
fn tree(number: u64) -> u64 {
    (0..10).map(|_| chain(number, 10)).sum()
}

#[inline(never)]
#[traceable(name = "chain")]
fn chain(number: u64, depth: u32) -> u64 {
    if depth == 1 {
        number
    } else {
        std::hint::black_box(chain(number, depth - 1))
    }
}

#[traceable(name = "task")]
async fn task(number: u64) -> u64 {
    Pending(3).await;
    number
}

pub(super) fn start(setup: &Setup) -> Result<Functions, Failure> {
    let provider = provider(setup)?;
    if let Some(provider) = &provider {
        let instrumentation = Instrumentation::builder()
            .tracer(provider.tracer("benches"))
            .distributed()
            .build()?;
        instrumentation.set_enabled(&["*"])?;
        // It works as long as it lives.
        std::mem::forget(instrumentation);
    }
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
