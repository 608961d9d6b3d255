//! The samplers that the environment names decide on a root by its trace id: what its span would have recorded is not even
//! evaluated where it is not sampled, and others are told.
//!
//! The environment is the process's, so each sampler has one of its own.

mod child;

use std::cell::Cell;
use std::collections::HashMap;
use std::convert::Infallible;

use futures_executor::block_on;
use opentelemetry::baggage::BaggageExt as _;
use opentelemetry::trace::{
    SpanContext, SpanId, SpanKind, TraceContextExt as _, TraceFlags, TraceId, TraceState,
};
use opentelemetry::{Context, KeyValue};
use opentelemetry_sdk::trace::{Sampler, SamplingDecision, ShouldSample as _};
use otel_runtime::instrument::messaging::Message;
use otel_runtime::testing::Spans;
use otel_runtime::{Telemetry, span_attr, traced_span};

/// The variable that makes this test binary the process under test.
const CHILD: &str = "TEST_SAMPLED_ROOTS_CHILD";

const RATIO: f64 = 0.25;

const ROOTS: usize = 400;

thread_local! {
    static EVALUATED: Cell<usize> = const { Cell::new(0) };
}

fn evaluated() -> usize {
    EVALUATED.set(EVALUATED.get() + 1);
    EVALUATED.get()
}

fn current() -> SpanContext {
    Context::map_current(|context| context.span().span_context().clone())
}

/// The contexts of a function's span and of what it calls.
type Seen = (SpanContext, SpanContext);

#[traced_span("below")]
#[span_attr("number" = evaluated())]
fn below() -> SpanContext {
    current()
}

#[traced_span("plain")]
fn plain() -> Seen {
    (current(), below())
}

#[traced_span("attributes")]
#[span_attr("number" = evaluated())]
fn attributes() -> Seen {
    (current(), below())
}

#[traced_span(name = format!("named.{}", evaluated()))]
fn named() -> Seen {
    (current(), below())
}

#[traced_span("task")]
#[span_attr("number" = evaluated())]
async fn task() -> Seen {
    let before = current();
    std::future::ready(()).await;
    (before, below())
}

/// Not current, so that what is called is a root as well.
#[traced_span("leaf", leaf)]
#[span_attr("number" = evaluated())]
fn leaf() -> SpanContext {
    current()
}

#[traced_span("outer")]
fn outer() -> Seen {
    anew()
}

/// Nobody's child.
#[traced_span("anew", root)]
#[span_attr("number" = evaluated())]
fn anew() -> Seen {
    (current(), below())
}

/// Whether the context has baggage, and whether its span is sampled.
#[traced_span("with_baggage")]
fn with_baggage() -> (bool, bool) {
    let context = Context::current();
    let has_it = context.baggage().get("guest").is_some();
    (has_it, context.span().span_context().is_sampled())
}

#[traced_span("with_baggage_anew", root)]
fn with_baggage_anew() -> (bool, bool) {
    with_baggage()
}

fn is_sampled(context: &SpanContext) -> bool {
    let id = context.trace_id();
    let sampler = Sampler::TraceIdRatioBased(RATIO);
    let result = sampler.should_sample(None, id, "", &SpanKind::Internal, &[], &[]);
    result.decision == SamplingDecision::RecordAndSample
}

/// Calls a function many times, and gives how many of its spans were recorded.
fn roots(evaluations: usize, call: impl Fn() -> Seen) -> usize {
    let before = EVALUATED.get();
    let mut sampled = 0;
    for _ in 0..ROOTS {
        let (root, below) = call();
        assert!(root.is_valid() && !root.is_remote(), "{root:?}");
        assert_eq!(root.is_sampled(), is_sampled(&root));
        assert_eq!(below.trace_id(), root.trace_id());
        assert_eq!(below.is_sampled(), root.is_sampled());
        // Below what is not sampled there is no other span.
        assert_eq!(below.span_id() == root.span_id(), !root.is_sampled());
        sampled += usize::from(root.is_sampled());
    }
    assert!((ROOTS / 8..ROOTS / 2).contains(&sampled), "{sampled}");
    assert_eq!(EVALUATED.get() - before, sampled * evaluations);
    sampled
}

fn sent() -> (SpanContext, String) {
    let message = Message::new("rabbitmq", "booking.created");
    let sent = message.send_blocking(HashMap::new(), |mut headers: HashMap<String, String>| {
        let traceparent = headers.remove("traceparent").unwrap_or_default();
        Ok::<_, Infallible>((current(), traceparent))
    });
    sent.unwrap_or_else(|error| match error {})
}

fn spans_so_far(telemetry: &Telemetry, spans: &Spans) -> usize {
    telemetry.force_flush().expect("spans are exported");
    spans.finished().len()
}

fn start() -> (Spans, Telemetry) {
    let spans = Spans::new();
    let telemetry = otel_runtime::builder()
        .batch_span_exporter(spans.exporter())
        .init()
        .expect("telemetry starts");
    (spans, telemetry)
}

/// The context of another process's span, with this flag.
fn remote(flags: TraceFlags) -> Context {
    let (trace_id, span_id) = (TraceId::from(7), SpanId::from(8));
    let remote = SpanContext::new(trace_id, span_id, flags, true, TraceState::NONE);
    Context::new().with_remote_span_context(remote)
}

/// What the child process does where every span is recorded, or none.
fn all_or_nothing(is_on: bool) {
    let (spans, telemetry) = start();
    let mut expected = 0;
    for parent in [
        Context::new(),
        remote(TraceFlags::SAMPLED),
        remote(TraceFlags::NOT_SAMPLED),
    ] {
        let above = parent.span().span_context().clone();
        let attached = parent.attach();
        for call in [plain, attributes, named, || block_on(task()), anew] {
            let evaluated = EVALUATED.get();
            let (context, below) = call();
            assert!(context.is_valid(), "{context:?}");
            assert_eq!(context.is_sampled(), is_on);
            assert_eq!(below.is_sampled(), is_on);
            assert_eq!(below.trace_id(), context.trace_id());
            // A sampler that may take a span sees its name.
            if is_on || !above.is_sampled() {
                assert_eq!(EVALUATED.get() > evaluated, is_on);
            }
            expected += 2 * usize::from(is_on);
        }
        let (context, traceparent) = sent();
        if above.is_valid() {
            assert_eq!(context.trace_id(), above.trace_id());
            assert_eq!(plain().0.trace_id(), above.trace_id());
            expected += 2 * usize::from(is_on);
        }
        let flags = if is_on { "01" } else { "00" };
        assert!(traceparent.ends_with(flags), "{traceparent}");
        expected += usize::from(is_on);
        drop(attached);
    }
    assert_eq!(spans_so_far(&telemetry, &spans), expected);
    let roots = spans.finished().into_iter();
    let roots = roots.filter(|span| span.parent_span_id.is_none());
    // Without a parent: all five and the message; else the one that is nobody's child.
    assert_eq!(roots.count(), if is_on { 6 + 1 + 1 } else { 0 });
}

/// What the child process does.
#[test]
fn child_process() {
    match std::env::var(CHILD).as_deref() {
        Ok("always_on") => all_or_nothing(true),
        Ok("always_off") => all_or_nothing(false),
        Ok(_) => by_trace_id(),
        Err(_) => {}
    }
}

fn by_trace_id() {
    let (spans, telemetry) = start();
    let mut expected = 0;
    // Each has another below it.
    expected += 2 * roots(1, plain);
    expected += 2 * roots(2, attributes);
    expected += 2 * roots(2, named);
    expected += 2 * roots(2, || block_on(task()));
    expected += 2 * roots(2, anew);
    let counted = spans_so_far(&telemetry, &spans);
    assert_eq!(counted, expected);
    // The span around it is a root as well, which is sampled or not whatever this one is.
    roots(2, outer);
    expected = spans_so_far(&telemetry, &spans);

    let before = EVALUATED.get();
    for _ in 0..ROOTS {
        assert!(!leaf().is_valid());
    }
    let leaves = EVALUATED.get() - before;
    assert!((ROOTS / 8..ROOTS / 2).contains(&leaves), "{leaves}");
    expected += leaves;

    for _ in 0..ROOTS {
        let (context, traceparent) = sent();
        let (id, span) = (context.trace_id(), context.span_id());
        let sampled = is_sampled(&context);
        let flags = if sampled { "01" } else { "00" };
        assert_eq!(traceparent, format!("00-{id}-{span}-{flags}"));
        expected += usize::from(sampled);
    }

    // What else the context holds stays there.
    let baggage = Context::new().with_baggage([KeyValue::new("guest", "alice")]);
    let attached = baggage.attach();
    for _ in 0..ROOTS {
        let (has_it, is_sampled) = with_baggage();
        assert!(has_it);
        expected += usize::from(is_sampled);
        let (has_it, is_sampled) = with_baggage_anew();
        assert!(has_it);
        expected += 2 * usize::from(is_sampled);
    }
    drop(attached);
    assert_eq!(spans_so_far(&telemetry, &spans), expected);
}

#[test]
fn all_or_nothing_is_recorded_whatever_the_parent() {
    for sampler in ["always_on", "always_off"] {
        let output = child::command(CHILD, sampler)
            .env("OTEL_TRACES_SAMPLER", sampler)
            .output()
            .expect("the test runs again");
        assert!(output.status.success(), "{output:#?}");
    }
}

#[test]
fn a_root_is_sampled_by_its_trace_id_and_evaluated_only_then() {
    let output = child::command(CHILD, "1")
        .env("OTEL_TRACES_SAMPLER", "parentbased_traceidratio")
        .env("OTEL_TRACES_SAMPLER_ARG", RATIO.to_string())
        .output()
        .expect("the test runs again");
    assert!(output.status.success(), "{output:#?}");
}
