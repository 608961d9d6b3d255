//! The propagator of the process.

use opentelemetry::Context;
use opentelemetry::propagation::text_map_propagator::FieldIter;
use opentelemetry::propagation::{
    Extractor, Injector, TextMapCompositePropagator, TextMapPropagator,
};
use opentelemetry::trace::TraceContextExt as _;

use crate::b3::B3;
use crate::baggage::Baggage;
use crate::config::Propagator;
use crate::engine::recorder::sited;
use crate::trace_context::TraceContext;

pub(super) fn propagator(propagators: &[Propagator]) -> Leaving {
    Leaving(TextMapCompositePropagator::new(
        propagators
            .iter()
            .map(|propagator| match propagator {
                Propagator::TraceContext => Box::new(TraceContext::default()) as Box<_>,
                Propagator::Baggage => Box::new(Baggage::default()) as Box<_>,
                Propagator::B3 => Box::new(B3::single()) as Box<_>,
                Propagator::B3Multi => Box::new(B3::multi()) as Box<_>,
            })
            .collect(),
    ))
}

/// Lets the engine know that a context leaves, before it does.
#[derive(Debug)]
pub(super) struct Leaving(TextMapCompositePropagator);

impl TextMapPropagator for Leaving {
    fn inject_context(&self, context: &Context, injector: &mut dyn Injector) {
        let span = context.span();
        let span = span.span_context();
        if span.is_sampled() {
            sited::context_leaves(span);
        }
        self.0.inject_context(context, injector);
    }

    fn extract_with_context(&self, context: &Context, extractor: &dyn Extractor) -> Context {
        self.0.extract_with_context(context, extractor)
    }

    fn fields(&self) -> FieldIter<'_> {
        self.0.fields()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeSet, HashMap};

    use opentelemetry::trace::{SpanContext, SpanId, TraceFlags, TraceId, TraceState};

    use super::*;

    #[track_caller]
    fn check(propagators: &[Propagator], headers: &[&str]) {
        let span = SpanContext::new(
            TraceId::from(1),
            SpanId::from(2),
            TraceFlags::SAMPLED,
            false,
            TraceState::NONE,
        );
        let context = Context::new().with_remote_span_context(span);
        let mut written = HashMap::new();
        let propagator = propagator(propagators);
        propagator.inject_context(&context, &mut written);
        let names: BTreeSet<_> = written.keys().map(String::as_str).collect();
        assert_eq!(names, headers.iter().copied().collect());
        let read = propagator.extract(&written);
        assert_eq!(read.span().span_context().is_valid(), !headers.is_empty());
    }

    #[test]
    fn each_writes_its_headers() {
        check(&[], &[]);
        check(&[Propagator::Baggage], &[]);
        check(&[Propagator::TraceContext], &["traceparent"]);
        check(&[Propagator::B3], &["b3"]);
        check(
            &[Propagator::TraceContext, Propagator::B3Multi],
            &["traceparent", "x-b3-traceid", "x-b3-spanid", "x-b3-sampled"],
        );
    }
}
