//! This workspace's macros, over its own engine.

use otel_runtime::{event, span_attr, span_event, traced_span};

use super::null::{Null, under};
use super::{BATCH, Failure, Flush, Functions, Pending, QUEUE, Setup, block_on};

#[inline(never)]
#[traced_span("plain")]
fn plain(number: u64) -> u64 {
    number.wrapping_mul(3)
}

#[inline(never)]
#[traced_span("attributes")]
fn attributes(
    #[span_attr("user.id")] number: u64,
    #[span_attr] room: &str,
    #[span_attr] price: f64,
    #[span_attr] is_new: bool,
) -> u64 {
    std::hint::black_box((room, price, is_new));
    event!("checked", "nights" = 3);
    number.wrapping_mul(3)
}

#[inline(never)]
#[traced_span("leaf", leaf)]
fn leaf(number: u64) -> u64 {
    number.wrapping_mul(3)
}

#[inline(never)]
#[traced_span("leaf_attributes", leaf)]
#[span_event("checked", "nights" = 3)]
fn leaf_attributes(
    #[span_attr("user.id")] number: u64,
    #[span_attr] room: &str,
    #[span_attr] price: f64,
    #[span_attr] is_new: bool,
) -> u64 {
    std::hint::black_box((room, price, is_new));
    number.wrapping_mul(3)
}

#[traced_span("tree")]
fn tree(number: u64) -> u64 {
    (0..10).map(|_| chain(number, 10)).sum()
}

#[inline(never)]
#[traced_span("chain")]
fn chain(number: u64, depth: u32) -> u64 {
    if depth == 1 {
        number
    } else {
        std::hint::black_box(chain(number, depth - 1))
    }
}

#[traced_span("task")]
async fn task(number: u64) -> u64 {
    Pending(3).await;
    number
}

pub(super) fn start(setup: &Setup) -> Result<Functions, Failure> {
    Ok(Functions {
        plain,
        attributes,
        leaf,
        leaf_attributes,
        tree,
        task: |number| block_on(task(number)),
        under,
        flush: engine(setup)?,
    })
}

/// Starts the engine; the answer flushes it.
pub(super) fn engine(setup: &Setup) -> Result<Flush, Failure> {
    // The process was started with the variables that say where spans go.
    let builder = otel_runtime::builder().service_name("benches");
    let telemetry = match setup {
        Setup::Null => builder.batch_span_exporter(Null),
        Setup::Off | Setup::Http(_) | Setup::Grpc(_) => builder,
    }
    .init()?;
    Ok(Box::new(move || {
        let _ = telemetry.force_flush();
        Some(telemetry.span_counts()?.dropped)
    }))
}

/// The environment that [`engine`] wants.
pub(crate) fn environment(setup: &Setup) -> Vec<(&'static str, String)> {
    let mut variables = vec![
        ("OTEL_BSP_MAX_QUEUE_SIZE", QUEUE.to_string()),
        ("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", BATCH.to_string()),
    ];
    if let Setup::Http(endpoint) | Setup::Grpc(endpoint) = setup {
        variables.push(("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint.clone()));
    }
    if let Setup::Grpc(_) = setup {
        variables.push(("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc".to_owned()));
    }
    variables
}
