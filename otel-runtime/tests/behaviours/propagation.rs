//! Contexts that come from elsewhere and go elsewhere.

use std::collections::HashMap;

use opentelemetry::baggage::BaggageExt as _;
use opentelemetry::propagation::{TextMapCompositePropagator, TextMapPropagator as _};
use opentelemetry::trace::{FutureExt as _, SpanContext, TraceContextExt as _};
use opentelemetry::{Context, KeyValue};
use opentelemetry_sdk::propagation::{BaggagePropagator, TraceContextPropagator};
use otel_runtime::{attr, event, span_attr, span_event, traced_span};

use super::{block_on, leaf, pause, record, span_context};

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const SAMPLED: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
const UNSAMPLED: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00";

fn propagator() -> TextMapCompositePropagator {
    TextMapCompositePropagator::new(vec![
        Box::new(TraceContextPropagator::new()),
        Box::new(BaggagePropagator::new()),
    ])
}

fn incoming(traceparent: &str) -> Context {
    let headers = [
        ("traceparent", traceparent),
        ("tracestate", "vendor=1"),
        ("baggage", "guest=ada"),
    ];
    let headers: HashMap<_, _> = headers
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .into();
    propagator().extract(&headers)
}

/// The headers of a request that is made now.
fn outgoing() -> HashMap<String, String> {
    let mut headers = HashMap::new();
    propagator().inject_context(&Context::current(), &mut headers);
    headers
}

fn baggage() -> Option<String> {
    let context = Context::current();
    context.baggage().get("guest").map(ToString::to_string)
}

#[traced_span]
fn requests() -> HashMap<String, String> {
    leaf();
    outgoing()
}

#[traced_span]
async fn requests_later() -> HashMap<String, String> {
    pause().await;
    leaf();
    outgoing()
}

#[test]
fn a_remote_parent_is_joined() {
    let recorded = record();
    let remote = incoming(SAMPLED);
    let sync = {
        let _remote = remote.clone().attach();
        requests()
    };
    let later = block_on(requests_later().with_context(remote));
    recorded.check(&[
        "INTERNAL requests (remote parent)",
        "  INTERNAL leaf",
        "INTERNAL requests_later (remote parent)",
        "  INTERNAL leaf",
    ]);
    let spans = recorded.spans().finished();
    for span in &spans {
        assert_eq!(span.trace_id.to_string(), TRACE, "{}", span.name);
        assert_eq!(span.trace_state, "vendor=1", "{}", span.name);
    }
    for (name, headers) in [("requests", sync), ("requests_later", later)] {
        let span = spans.iter().find(|span| span.name == name).expect("a span");
        let parent = span.parent_span_id.map(|id| id.to_string());
        assert_eq!(parent.as_deref(), Some("00f067aa0ba902b7"));
        assert!(span.parent_is_remote);
        let traceparent = format!("00-{TRACE}-{}-01", span.span_id);
        assert_eq!(headers["traceparent"], traceparent);
        assert_eq!(headers["tracestate"], "vendor=1");
        assert_eq!(headers["baggage"], "guest=ada");
    }
}

#[test]
fn a_remote_parent_can_be_given() {
    #[traced_span(parent = remote)]
    fn under_span_context(remote: &SpanContext) {
        leaf();
    }
    #[traced_span(parent = remote)]
    async fn under_context(remote: Context) {
        pause().await;
        leaf();
    }
    let recorded = record();
    let remote = incoming(SAMPLED);
    under_span_context(remote.span().span_context());
    block_on(under_context(remote));
    recorded.check(&[
        "INTERNAL under_span_context (remote parent)",
        "  INTERNAL leaf",
        "INTERNAL under_context (remote parent)",
        "  INTERNAL leaf",
    ]);
}

fn never<T>() -> T {
    panic!("evaluated");
}

#[traced_span(name = never::<String>(), links = [never::<SpanContext>()], err = |()| never::<String>(), err_if = |()| never())]
#[span_attr("attribute" = never::<u32>(), "shown" = %never::<u32>(), "result" = |_| never::<u32>())]
#[span_event("event", "field" = never::<u32>())]
#[span_event("returned", "field" = |_| never::<u32>())]
fn evaluates(fails: bool) -> Result<HashMap<String, String>, ()> {
    attr!("inline" = never::<u32>());
    #[span_event("statement", "field" = never::<u32>())]
    let headers = requests();
    let headers = #[traced_span(name = never::<String>())]
    {
        event!("inline", "field" = never::<u32>());
        headers
    };
    if fails { Err(()) } else { Ok(headers) }
}

#[traced_span(name = never::<String>(), err = |()| never::<String>())]
#[span_attr("attribute" = never::<u32>(), "result" = |_| never::<u32>())]
#[span_event("event", "field" = never::<u32>())]
async fn evaluates_later(fails: bool) -> Result<HashMap<String, String>, ()> {
    let headers = #[traced_span(name = never::<String>())]
    {
        attr!("inline" = never::<u32>());
        requests_later().await
    };
    if fails { Err(()) } else { Ok(headers) }
}

#[test]
fn under_an_unsampled_remote_parent_nothing_is_recorded_and_all_is_passed_on() {
    let recorded = record();
    let remote = incoming(UNSAMPLED);
    let headers = {
        let _remote = remote.clone().attach();
        assert_eq!(evaluates(true), Err(()));
        let sync = evaluates(false).expect("headers");
        [sync, requests()]
    };
    let failed = block_on(evaluates_later(true).with_context(remote.clone()));
    assert_eq!(failed, Err(()));
    let later = block_on(evaluates_later(false).with_context(remote)).expect("headers");
    recorded.check(&[]);
    for headers in headers.iter().chain([&later]) {
        let traceparent = &headers["traceparent"];
        assert!(
            traceparent.starts_with(&format!("00-{TRACE}-")),
            "{traceparent}"
        );
        assert!(traceparent.ends_with("-00"), "{traceparent}");
        assert_eq!(headers["tracestate"], "vendor=1");
        assert_eq!(headers["baggage"], "guest=ada");
    }
}

#[test]
fn a_root_leaves_an_unsampled_trace() {
    #[traced_span(root)]
    #[span_attr("recorded" = true)]
    fn root() -> SpanContext {
        span_context()
    }
    let recorded = record();
    let _remote = incoming(UNSAMPLED).attach();
    let context = root();
    assert!(context.is_sampled());
    assert_ne!(context.trace_id().to_string(), TRACE);
    recorded.check_attributes(&["INTERNAL root", "    · recorded = true"]);
}

#[test]
fn baggage_survives() {
    #[traced_span]
    fn current() -> Option<String> {
        baggage()
    }
    #[traced_span]
    async fn later() -> Option<String> {
        pause().await;
        #[traced_span("part")]
        {
            pause().await;
            baggage()
        }
    }
    #[traced_span(root)]
    fn root() -> Option<String> {
        baggage()
    }
    #[traced_span(leaf)]
    fn without_context() -> Option<String> {
        baggage()
    }
    #[traced_span(parent = parent)]
    fn under(parent: &SpanContext) -> Option<String> {
        baggage()
    }
    let recorded = record();
    let parent = incoming(SAMPLED).span().span_context().clone();
    let context = Context::current().with_baggage([KeyValue::new("guest", "ada")]);
    let _guest = context.attach();
    let seen = [
        current(),
        block_on(later()),
        root(),
        without_context(),
        under(&parent),
        otel_runtime::span!("block", { baggage() }),
    ];
    assert!(
        seen.iter().all(|guest| guest.as_deref() == Some("ada")),
        "{seen:?}"
    );
    assert_eq!(recorded.spans().finished().len(), 7);
}
