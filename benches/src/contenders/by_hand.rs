//! Spans made by hand with the API, over the SDK's provider or over ours.

use std::sync::OnceLock;

use opentelemetry::global::{self, BoxedTracer};
use opentelemetry::trace::{FutureExt as _, SpanBuilder, TraceContextExt as _, Tracer as _};
use opentelemetry::{Context, KeyValue};

use super::null::{flush, provider, under};
use super::ours::engine;
use super::{Failure, Flush, Functions, Pending, Setup, block_on};

static TRACER: OnceLock<BoxedTracer> = OnceLock::new();

/// A tracer as it is got in one of two ways.
macro_rules! functions {
    ($name:ident, $tracer:expr) => {
        mod $name {
            use super::*;

            fn context(builder: SpanBuilder) -> Context {
                let parent = Context::current();
                let span = $tracer.build_with_context(builder, &parent);
                parent.with_span(span)
            }

            #[inline(never)]
            fn plain(number: u64) -> u64 {
                let context = context(SpanBuilder::from_name("plain"));
                let _current = context.attach();
                number.wrapping_mul(3)
            }

            #[inline(never)]
            fn attributes(number: u64, room: &str, price: f64, is_new: bool) -> u64 {
                let context = context(SpanBuilder::from_name("attributes").with_attributes([
                    KeyValue::new("user.id", number.cast_signed()),
                    KeyValue::new("room", room.to_owned()),
                    KeyValue::new("price", price),
                    KeyValue::new("is_new", is_new),
                ]));
                let _current = context.clone().attach();
                context
                    .span()
                    .add_event("checked", vec![KeyValue::new("nights", 3)]);
                number.wrapping_mul(3)
            }

            fn tree(number: u64) -> u64 {
                let context = context(SpanBuilder::from_name("tree"));
                let _current = context.attach();
                (0..10).map(|_| chain(number, 10)).sum()
            }

            #[inline(never)]
            fn chain(number: u64, depth: u32) -> u64 {
                let context = context(SpanBuilder::from_name("chain"));
                let _current = context.attach();
                if depth == 1 {
                    number
                } else {
                    std::hint::black_box(chain(number, depth - 1))
                }
            }

            async fn task(number: u64) -> u64 {
                let context = context(SpanBuilder::from_name("task"));
                async {
                    Pending(3).await;
                    number
                }
                .with_context(context)
                .await
            }

            pub(super) fn functions(flush: Flush) -> Functions {
                Functions {
                    plain,
                    attributes,
                    leaf: plain,
                    leaf_attributes: attributes,
                    tree,
                    task: |number| block_on(task(number)),
                    under,
                    flush,
                }
            }
        }
    };
}

functions!(per_call, global::tracer("benches"));
functions!(cached, TRACER.get_or_init(|| global::tracer("benches")));

pub(super) fn start(setup: &Setup) -> Result<Functions, Failure> {
    Ok(per_call::functions(flush(provider(setup)?)))
}

pub(super) fn start_cached(setup: &Setup) -> Result<Functions, Failure> {
    Ok(cached::functions(flush(provider(setup)?)))
}

pub(super) fn start_over_ours(setup: &Setup) -> Result<Functions, Failure> {
    Ok(per_call::functions(engine(setup)?))
}
