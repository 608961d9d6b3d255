//! An application that sets a provider of its own after telemetry was started: what is annotated or instrumented follows it.

use std::collections::HashMap;
use std::convert::Infallible;

use annotated_library::find;
use opentelemetry::global;
use opentelemetry_sdk::trace::SdkTracerProvider;
use otel_runtime::instrument::messaging::Message;
use otel_runtime::testing::Spans;

const FOUND: &str = "CLIENT library.find\n  INTERNAL library.measure\nPRODUCER send found";

fn find_and_tell() {
    assert_eq!(find("blue"), Ok(4));
    let told =
        Message::new("apalis", "found").send_blocking(HashMap::<String, String>::new(), |_| {
            Ok::<_, Infallible>(())
        });
    assert_eq!(told, Ok(()));
}

/// One test, since the provider is the process's.
#[test]
fn spans_are_made_by_the_provider_that_came_last() {
    let before = Spans::new();
    let telemetry = otel_runtime::builder()
        .batch_span_exporter(before.exporter())
        .init()
        .expect("telemetry starts");
    find_and_tell();

    let after = Spans::new();
    let provider = SdkTracerProvider::builder()
        .with_simple_exporter(after.exporter())
        .build();
    global::set_tracer_provider(provider);
    find_and_tell();
    assert_eq!(after.tree(), FOUND);

    // What came before is not lost, and nothing came twice.
    telemetry.force_flush().expect("spans are exported");
    assert_eq!(before.tree(), FOUND);
}
