//! How often the expressions of the attributes are evaluated.

use std::cell::Cell;

use opentelemetry::trace::TraceContextExt as _;
use otel_runtime::{span_attr, span_event, traced_span};

use super::record;

thread_local! {
    static EVALUATIONS: Cell<u32> = const { Cell::new(0) };
}

fn evaluated() -> u32 {
    EVALUATIONS.set(EVALUATIONS.get() + 1);
    EVALUATIONS.get()
}

#[traced_span(name = format!("computed {}", evaluated()))]
#[span_attr("attribute" = evaluated(), "shown" = %evaluated())]
#[span_event("event", "field" = evaluated())]
fn expressions() {}

#[test]
fn expressions_are_evaluated_once_when_recorded() {
    let recorded = record();
    EVALUATIONS.set(0);
    expressions();
    assert_eq!(EVALUATIONS.get(), 4);
    assert_eq!(recorded.only().name, "computed 1");
}

#[traced_span]
#[span_attr("attribute" = evaluated(), "shown" = %evaluated())]
#[span_event("event", "field" = evaluated())]
fn attributes_alone() {}

#[test]
fn nothing_is_evaluated_where_nothing_is_recorded() {
    let recorded = record();
    let unsampled = opentelemetry::trace::SpanContext::new(
        opentelemetry::TraceId::from(1),
        opentelemetry::SpanId::from(1),
        opentelemetry::TraceFlags::NOT_SAMPLED,
        true,
        opentelemetry::trace::TraceState::NONE,
    );
    EVALUATIONS.set(0);
    {
        let _unsampled = opentelemetry::Context::current()
            .with_remote_span_context(unsampled)
            .attach();
        attributes_alone();
    }
    {
        let _suppressed = opentelemetry::Context::enter_telemetry_suppressed_scope();
        expressions();
    }
    assert_eq!(EVALUATIONS.get(), 0);
    recorded.check(&[]);
}
