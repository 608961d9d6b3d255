//! The propagator of the process.

use opentelemetry::Context;
use opentelemetry::propagation::text_map_propagator::FieldIter;
use opentelemetry::propagation::{
    Extractor, Injector, TextMapCompositePropagator, TextMapPropagator,
};
use opentelemetry::trace::TraceContextExt as _;
use opentelemetry_sdk::propagation::BaggagePropagator;

use crate::config::Propagator;
use crate::engine::recorder::sited;
use crate::trace_context::TraceContext;

pub(super) fn propagator(propagators: &[Propagator]) -> Leaving {
    Leaving(TextMapCompositePropagator::new(
        propagators
            .iter()
            .map(|propagator| match propagator {
                Propagator::TraceContext => Box::new(TraceContext::default()) as Box<_>,
                Propagator::Baggage => Box::new(BaggagePropagator::new()) as Box<_>,
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
