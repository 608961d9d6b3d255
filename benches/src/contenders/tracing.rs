//! `tracing`, with `tracing-opentelemetry` over the SDK.

use opentelemetry::trace::TracerProvider as _;
use tracing::{info, info_span, instrument};
use tracing_opentelemetry::OpenTelemetrySpanExt as _;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt as _;

use super::null::{flush, provider, remote};
use super::{Failure, Functions, Parent, Pending, Setup, block_on};

#[inline(never)]
#[instrument(skip_all)]
fn plain(number: u64) -> u64 {
    number.wrapping_mul(3)
}

#[inline(never)]
#[instrument(skip_all, fields(user.id = number, room = room, price = price, is_new = is_new))]
fn attributes(number: u64, room: &str, price: f64, is_new: bool) -> u64 {
    info!(nights = 3, "checked");
    number.wrapping_mul(3)
}

#[instrument(skip_all)]
fn tree(number: u64) -> u64 {
    (0..10).map(|_| chain(number, 10)).sum()
}

#[inline(never)]
#[instrument(skip_all)]
fn chain(number: u64, depth: u32) -> u64 {
    if depth == 1 {
        number
    } else {
        std::hint::black_box(chain(number, depth - 1))
    }
}

#[instrument(skip_all)]
async fn task(number: u64) -> u64 {
    Pending(3).await;
    number
}

fn under(parent: Parent, work: &mut dyn FnMut()) {
    if parent == Parent::None {
        return work();
    }
    let span = info_span!("parent");
    let _ = span.set_parent(remote(parent));
    span.in_scope(work);
}

pub(super) fn start(setup: &Setup) -> Result<Functions, Failure> {
    let provider = provider(setup)?;
    if let Some(provider) = &provider {
        let layer = tracing_opentelemetry::layer().with_tracer(provider.tracer("benches"));
        // The exporter's own connections make spans too, which would be exported as well.
        let ours = Targets::new().with_target(module_path!(), LevelFilter::INFO);
        let subscriber = tracing_subscriber::registry().with(ours).with(layer);
        tracing::subscriber::set_global_default(subscriber)?;
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
