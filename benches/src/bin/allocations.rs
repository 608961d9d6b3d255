//! How often the calling thread allocates for a span: `cargo bench-allocations`.
//!
//! A program of its own, since counting costs time.

#![expect(clippy::print_stdout, reason = "figures are what this program is for")]

use std::error::Error;
use std::hint::black_box;

use allocation_counter::measure;
use opentelemetry::trace::{SpanBuilder, Tracer as _};
use opentelemetry::trace::{
    SpanContext, SpanId, TraceContextExt as _, TraceFlags, TraceId, TraceState,
};
use opentelemetry::{Context, KeyValue, global};
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{SpanData, SpanExporter};
use otel_runtime::{event, span_attr, traced_span};

/// More than what the engine keeps of boxes and lists, so that all of them have been used.
const WARM_UP: u32 = 1_000;
const SPANS: u32 = 1_000;

#[derive(Debug)]
struct Null;

impl SpanExporter for Null {
    async fn export(&self, _: Vec<SpanData>) -> OTelSdkResult {
        Ok(())
    }
}

#[traced_span("plain")]
fn plain(number: u64) -> u64 {
    number.wrapping_mul(3)
}

#[traced_span("leaf", leaf)]
fn leaf(number: u64) -> u64 {
    number.wrapping_mul(3)
}

#[traced_span("attributes")]
fn attributes(
    #[span_attr("user.id")] number: u64,
    #[span_attr] room: &str,
    #[span_attr] price: f64,
    #[span_attr] is_new: bool,
) -> u64 {
    black_box((room, price, is_new));
    event!("checked", "nights" = 3);
    number.wrapping_mul(3)
}

fn by_hand(number: u64, room: &str, price: f64, is_new: bool) -> u64 {
    let tracer = global::tracer("benches");
    let parent = Context::current();
    let builder = SpanBuilder::from_name("attributes").with_attributes([
        KeyValue::new("user.id", number.cast_signed()),
        KeyValue::new("room", room.to_owned()),
        KeyValue::new("price", price),
        KeyValue::new("is_new", is_new),
    ]);
    let context = parent.with_span(tracer.build_with_context(builder, &parent));
    let _current = context.clone().attach();
    context
        .span()
        .add_event("checked", vec![KeyValue::new("nights", 3)]);
    number.wrapping_mul(3)
}

fn main() -> Result<(), Box<dyn Error>> {
    let telemetry = otel_runtime::builder().batch_span_exporter(Null).init()?;
    let parent = SpanContext::new(
        TraceId::from(7),
        SpanId::from(7),
        TraceFlags::SAMPLED,
        true,
        TraceState::NONE,
    );
    let _parent = Context::new().with_remote_span_context(parent).attach();
    println!("Allocations on the calling thread for each span, and the bytes of them:\n");
    let cases: [(&str, fn()); 4] = [
        ("sampled child", || {
            black_box(plain(black_box(7)));
        }),
        ("sampled child, leaf", || {
            black_box(leaf(black_box(7)));
        }),
        ("sampled child, 4 attributes + 1 event", || {
            black_box(attributes(black_box(7), "President Suite", 99.5, true));
        }),
        ("the same by hand, over this engine", || {
            black_box(by_hand(black_box(7), "President Suite", 99.5, true));
        }),
    ];
    for (name, work) in cases {
        (0..WARM_UP).for_each(|_| work());
        telemetry.force_flush()?;
        (0..WARM_UP).for_each(|_| work());
        let counted = measure(|| (0..SPANS).for_each(|_| work()));
        let each = |count| u32::try_from(count).map_or(f64::INFINITY, f64::from) / f64::from(SPANS);
        println!(
            "{name}: {:.2} ({:.0} bytes)",
            each(counted.count_total),
            each(counted.bytes_total)
        );
        telemetry.force_flush()?;
    }
    Ok(())
}
