//! The options of `#[traced_span]`.

use opentelemetry::trace::SpanContext;
use otel_runtime::{span_attr, span_event, traced_span};

use super::{block_on, leaf, pause, record, span_context};

#[traced_span("root", root)]
fn root() {}

#[traced_span("explicit", parent = parent.clone())]
fn under_context(parent: &opentelemetry::Context) {
    leaf();
}

#[traced_span(parent = parent)]
async fn under_span_context(parent: SpanContext) {
    leaf();
}

#[traced_span(links = others)]
fn linked(others: &[SpanContext]) {}

#[traced_span(leaf)]
#[span_attr("n" = n)]
#[span_event("seen")]
fn leaf_span(n: u32) -> Result<u32, String> {
    leaf();
    if n == 0 {
        Err("zero".to_owned())
    } else {
        Ok(n)
    }
}

#[traced_span(leaf)]
async fn leaf_task() {
    pause().await;
    leaf();
}

#[test]
fn a_root_starts_a_trace_of_its_own() {
    #[traced_span]
    fn around() {
        root();
        leaf();
    }
    let recorded = record();
    around();
    recorded.check(&["INTERNAL around", "  INTERNAL leaf", "INTERNAL root"]);
    let spans = recorded.spans.finished();
    assert_ne!(spans[0].trace_id, spans[1].trace_id);
}

#[test]
fn a_parent_can_be_given() {
    #[traced_span]
    fn first() -> (opentelemetry::Context, SpanContext) {
        (opentelemetry::Context::current(), span_context())
    }
    let recorded = record();
    let (context, span_context) = first();
    under_context(&context);
    block_on(under_span_context(span_context));
    recorded.check(&[
        "INTERNAL first",
        "  INTERNAL explicit",
        "    INTERNAL leaf",
        "  INTERNAL under_span_context",
        "    INTERNAL leaf",
    ]);
}

#[test]
fn links_are_recorded() {
    #[traced_span]
    fn other() -> SpanContext {
        span_context()
    }
    let recorded = record();
    linked(&[other(), other()]);
    recorded.check_attributes(&[
        "INTERNAL other",
        "INTERNAL other",
        "INTERNAL linked",
        "    ~ link to INTERNAL other",
        "    ~ link to INTERNAL other",
    ]);
}

#[test]
fn a_leaf_is_recorded_and_never_current() {
    #[traced_span]
    async fn around() {
        assert_eq!(leaf_span(1), Ok(1));
        assert!(leaf_span(0).is_err());
        leaf_task().await;
    }
    let recorded = record();
    block_on(around());
    recorded.check(&[
        "INTERNAL around",
        "  INTERNAL leaf_span",
        "  INTERNAL leaf",
        "  INTERNAL leaf_span ERROR: zero",
        "  INTERNAL leaf",
        "  INTERNAL leaf_task",
        "  INTERNAL leaf",
    ]);
}
