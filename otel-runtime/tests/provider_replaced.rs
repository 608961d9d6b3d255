//! An application that sets a provider of its own after telemetry was started: what is annotated or instrumented follows it.

mod polling;

use std::collections::HashMap;
use std::convert::Infallible;
use std::future::Future;

use annotated_library::find;
use opentelemetry::trace::{
    SpanContext, SpanId, TraceContextExt as _, TraceFlags, TraceId, TraceState,
};
use opentelemetry::{Context, global};
use opentelemetry_sdk::trace::{Sampler, SdkTracerProvider};
use otel_runtime::instrument::messaging::Message;
use otel_runtime::testing::Spans;
use otel_runtime::{Builder, span_attr, span_event, traced_span};
use polling::block_on;

const FOUND: &str = "CLIENT library.find\n  INTERNAL library.measure\nPRODUCER send found";

fn find_and_tell() {
    assert_eq!(find("blue"), Ok(4));
    let told =
        Message::new("apalis", "found").send_blocking(HashMap::<String, String>::new(), |_| {
            Ok::<_, Infallible>(())
        });
    assert_eq!(told, Ok(()));
}

/// What a span under way gets after the provider was replaced within it.
#[traced_span("replace")]
#[span_attr("replaced" = |replaced| *replaced)]
fn replace(by: SdkTracerProvider) -> bool {
    global::set_tracer_provider(by);
    #[span_event("replaced", "event" = true)]
    #[span_attr("let")]
    let is_replaced = true;
    helped();
    is_replaced
}

#[span_attr("helper" = true)]
fn helped() {}

/// The same of a future.
#[traced_span("wait")]
#[span_attr("replaced" = |replaced| *replaced)]
async fn wait(replacing: impl Future<Output = bool>) -> bool {
    replacing.await
}

/// One test, since the provider is the process's.
#[test]
fn spans_are_made_by_the_provider_that_came_last() {
    check(otel_runtime::builder());
    check(otel_runtime::builder().sdk_provider());
}

fn check(builder: Builder) {
    let before = Spans::new();
    let telemetry = builder
        .batch_span_exporter(before.exporter())
        .init()
        .expect("telemetry starts");
    find_and_tell();
    under_an_unsampled_parent(find_and_tell);

    let after = Spans::new();
    let provider = SdkTracerProvider::builder()
        .with_sampler(Sampler::AlwaysOn)
        .with_simple_exporter(after.exporter())
        .build();
    assert!(block_on(wait(async { replace(provider) })));
    find_and_tell();
    assert_eq!(after.tree(), FOUND);

    // What came before is not lost, and nothing came twice.
    telemetry.force_flush().expect("spans are exported");
    let under_way = "\
INTERNAL wait
    · replaced = true
  INTERNAL replace
      · helper = true
      · let = true
      · replaced = true
      * replaced
        · event = true";
    let all = before.tree_with_attributes();
    assert!(all.ends_with(under_way), "{all}");
    assert!(before.tree().starts_with(FOUND), "{all}");
    assert_eq!(before.finished().len(), 5, "{all}");

    // The sampler of the new one decides otherwise.
    after.clear();
    under_an_unsampled_parent(find_and_tell);
    assert_eq!(after.finished().len(), 3);
}

fn under_an_unsampled_parent(work: impl FnOnce()) {
    let unsampled = SpanContext::new(
        TraceId::from(1),
        SpanId::from(1),
        TraceFlags::NOT_SAMPLED,
        true,
        TraceState::NONE,
    );
    let parent = Context::new().with_remote_span_context(unsampled);
    let _attached = parent.attach();
    work();
}
