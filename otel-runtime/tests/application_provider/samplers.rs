//! What a sampler sees, and what happens by its decision.

use std::cell::Cell;
use std::sync::{Arc, Mutex, PoisonError};

use annotated_library::{call, count, find};
use opentelemetry::propagation::TextMapPropagator as _;
use opentelemetry::trace::{
    Link, SpanContext, SpanKind, TraceContextExt as _, TraceFlags, TraceState,
};
use opentelemetry::{Context, ContextGuard, KeyValue, SpanId, TraceId};
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::{Sampler, SamplingDecision, SamplingResult, ShouldSample};
use otel_runtime::{span_attr, traced_span};

use super::{current, start_with};

/// What a sampler was asked, a line for each question.
#[derive(Debug, Clone, Default)]
struct Asked(Arc<Mutex<Vec<String>>>);

impl Asked {
    fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Notes what it is asked, and samples all but what says `"sampled" = false`.
impl ShouldSample for Asked {
    fn should_sample(
        &self,
        parent: Option<&Context>,
        _: TraceId,
        name: &str,
        kind: &SpanKind,
        attributes: &[KeyValue],
        links: &[Link],
    ) -> SamplingResult {
        let parent = parent.is_some_and(|parent| parent.span().span_context().is_valid());
        let shown: Vec<_> = attributes
            .iter()
            .map(|attribute| format!("{}={}", attribute.key, attribute.value))
            .collect();
        let asked = format!(
            "{name} {kind:?} parent={parent} links={} {}",
            links.len(),
            shown.join(" ")
        );
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(asked);
        let is_sampled = !attributes.contains(&KeyValue::new("sampled", false));
        SamplingResult {
            decision: if is_sampled {
                SamplingDecision::RecordAndSample
            } else {
                SamplingDecision::Drop
            },
            attributes: vec![KeyValue::new("by.sampler", true)],
            trace_state: TraceState::NONE,
        }
    }
}

fn linked() -> SpanContext {
    SpanContext::new(
        TraceId::from(1),
        SpanId::from(1),
        TraceFlags::SAMPLED,
        false,
        TraceState::NONE,
    )
}

#[traced_span(name = format!("asked.{}", "computed"), kind = consumer, links = [linked(), linked()])]
#[span_attr("text" = "literal", "number" = 7, "computed" = room.len(), "result" = |length| *length)]
#[span_attr(room = room, "there" = present)]
fn asked(
    room: &str,
    #[span_attr] sampled: bool,
    #[span_attr("nights")] n: u8,
    present: Option<u8>,
) -> usize {
    call(|| usize::from(n) + usize::from(sampled) + usize::from(present.unwrap_or(0)))
}

#[test]
fn a_sampler_sees_literals_and_parameters_name_kind_and_links() {
    let sampler = Asked::default();
    let application = start_with(|builder| builder.with_sampler(sampler.clone()));
    assert_eq!(asked("blue", true, 2, None), 3);
    let questions = sampler.take();
    let question = "asked.computed Consumer parent=false links=2 ";
    assert!(questions[0].starts_with(question), "{questions:?}");
    for seen in [
        "text=literal",
        "number=7",
        "room=blue",
        "sampled=true",
        "nights=2",
    ] {
        assert!(questions[0].contains(seen), "{seen}: {questions:?}");
    }
    for unseen in ["computed=", "result=", "there="] {
        assert!(!questions[0].contains(unseen), "{unseen}: {questions:?}");
    }
    assert_eq!(
        questions[1..],
        ["library.call Internal parent=true links=0 "]
    );
    let spans = application.spans.finished();
    let span = spans.last().expect("a span");
    assert_eq!(span.attribute("computed"), Some(&4.into()));
    assert_eq!(span.attribute("result"), Some(&3.into()));
    assert_eq!(span.attribute("by.sampler"), Some(&true.into()));
}

#[test]
fn a_sampler_decides_by_what_it_sees() {
    let sampler = Sampler::ParentBased(Box::new(Asked::default()));
    let application = start_with(|builder| builder.with_sampler(sampler));
    assert_eq!(asked("blue", false, 2, None), 2);
    application.check(&[]);
    assert_eq!(asked("blue", true, 2, Some(1)), 4);
    application.check(&["CONSUMER asked.computed", "  INTERNAL library.call"]);
}

#[test]
fn where_the_sampler_says_no_nothing_is_evaluated() {
    let application = start_with(|builder| builder.with_sampler(Sampler::AlwaysOff));
    let evaluations = Cell::new(0);
    assert!(count(&evaluations).is_err());
    assert_eq!(evaluations.get(), 0);
    assert_eq!(find("blue"), Ok(4));
    application.check(&[]);
}

#[test]
fn where_the_sampler_says_yes_each_value_is_evaluated_once() {
    let application = start_with(|builder| builder.with_sampler(Sampler::AlwaysOn));
    let evaluations = Cell::new(0);
    assert!(count(&evaluations).is_err());
    // An attribute, an event's attribute, and how the error is described.
    assert_eq!(evaluations.get(), 3);
    application.check(&["INTERNAL library.counted ERROR: on purpose"]);
}

#[test]
fn that_a_trace_is_not_sampled_is_passed_on() {
    let application = start_with(|builder| builder.with_sampler(Sampler::AlwaysOff));
    let (outer, inner, headers) = call(|| {
        let mut headers = std::collections::HashMap::new();
        let inner = call(|| {
            TraceContextPropagator::new().inject_context(&Context::current(), &mut headers);
            current()
        });
        (current(), inner, headers)
    });
    assert!(outer.is_valid() && !outer.is_sampled());
    assert_eq!(inner.trace_id(), outer.trace_id());
    let traceparent = format!("00-{}-{}-00", inner.trace_id(), inner.span_id());
    assert_eq!(headers["traceparent"], traceparent);
    application.check(&[]);
}

/// Records for processors of the application, and exports nothing.
#[derive(Debug, Clone)]
struct RecordOnly;

impl ShouldSample for RecordOnly {
    fn should_sample(
        &self,
        _: Option<&Context>,
        _: TraceId,
        _: &str,
        _: &SpanKind,
        _: &[KeyValue],
        _: &[Link],
    ) -> SamplingResult {
        SamplingResult {
            decision: SamplingDecision::RecordOnly,
            attributes: Vec::new(),
            trace_state: TraceState::NONE,
        }
    }
}

#[test]
fn what_is_recorded_and_not_sampled_is_evaluated_too() {
    let application = start_with(|builder| builder.with_sampler(RecordOnly));
    let evaluations = Cell::new(0);
    assert!(count(&evaluations).is_err());
    assert_eq!(evaluations.get(), 3);
    assert!(call(|| count(&evaluations)).is_err());
    assert_eq!(evaluations.get(), 6);
    application.check(&[]);
}

/// As long as the guard is there.
fn under_an_unsampled_parent() -> ContextGuard {
    let unsampled = SpanContext::new(
        TraceId::from(1),
        SpanId::from(1),
        TraceFlags::NOT_SAMPLED,
        true,
        TraceState::NONE,
    );
    let context = Context::current().with_remote_span_context(unsampled);
    context.attach()
}

#[test]
fn a_sampler_that_overrules_the_parent_gets_everything() {
    let application = start_with(|builder| builder.with_sampler(Sampler::AlwaysOn));
    let _unsampled = under_an_unsampled_parent();
    assert_eq!(asked("blue", true, 2, None), 3);
    application.check(&[
        "CONSUMER asked.computed (remote parent)",
        "  INTERNAL library.call",
    ]);
    let span = application.spans.finished().pop().expect("a span");
    assert_eq!(span.attribute("text"), Some(&"literal".into()));
    assert_eq!(span.attribute("computed"), Some(&4.into()));
    assert_eq!(span.links.len(), 2);
}

#[test]
fn a_sampler_sees_literals_and_parameters_under_an_unsampled_parent_too() {
    let sampler = Asked::default();
    let application = start_with(|builder| builder.with_sampler(sampler.clone()));
    let _unsampled = under_an_unsampled_parent();
    assert_eq!(asked("blue", true, 2, None), 3);
    application.check(&[
        "CONSUMER asked.computed (remote parent)",
        "  INTERNAL library.call",
    ]);
    assert_eq!(asked("blue", false, 2, None), 2);
    let questions = sampler.take();
    for (question, sampled) in [(&questions[0], true), (&questions[2], false)] {
        let seen = format!(" sampled={sampled} nights=2 text=literal number=7 room=blue");
        assert!(question.ends_with(&seen), "{questions:?}");
    }
}

/// Keeps the names and attribute counts of what is recorded.
#[derive(Debug, Clone, Default)]
struct Seen(Asked);

impl opentelemetry_sdk::trace::SpanProcessor for Seen {
    fn on_start(&self, _: &mut opentelemetry_sdk::trace::Span, _: &Context) {}
    fn on_end(&self, span: opentelemetry_sdk::trace::SpanData) {
        self.0.0.lock().unwrap().push(format!(
            "{} attributes={} links={}",
            span.name,
            span.attributes.len(),
            span.links.len()
        ));
    }
    fn force_flush(&self) -> opentelemetry_sdk::error::OTelSdkResult {
        Ok(())
    }
    fn shutdown_with_timeout(
        &self,
        _: std::time::Duration,
    ) -> opentelemetry_sdk::error::OTelSdkResult {
        Ok(())
    }
}

#[test]
fn a_child_of_what_is_recorded_and_not_sampled_is_whole() {
    let seen = Seen::default();
    let _application = start_with(|builder| {
        builder
            .with_sampler(RecordOnly)
            .with_span_processor(seen.clone())
    });
    call(|| asked("blue", true, 2, None));
    assert_eq!(
        seen.0.take(),
        [
            "library.call attributes=0 links=0",
            "asked.computed attributes=7 links=2",
            "library.call attributes=0 links=0"
        ]
    );
}

#[test]
fn where_the_sampler_says_no_a_key_is_not_evaluated() {
    fn key(evaluations: &Cell<u32>) -> &'static str {
        evaluations.set(evaluations.get() + 1);
        "key"
    }
    #[traced_span]
    #[span_attr({ key(evaluations) } = 1)]
    fn keyed(evaluations: &Cell<u32>) {}
    let _application = start_with(|builder| builder.with_sampler(Sampler::AlwaysOff));
    let evaluations = Cell::new(0);
    keyed(&evaluations);
    assert_eq!(evaluations.get(), 0);
}
