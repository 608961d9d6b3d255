//! Provider and tracer of this engine, behind the API's traits.

use std::sync::atomic::Ordering;
use std::time::Duration;

use opentelemetry::trace::{
    self, SpanBuilder, SpanContext, SpanId, SpanKind, TraceContextExt as _, TraceFlags, TraceId,
};
use opentelemetry::{Context, InstrumentationScope, KeyValue};
use opentelemetry_sdk::error::{OTelSdkError, OTelSdkResult};
use opentelemetry_sdk::trace::{Sampler, SamplingDecision, SamplingResult, ShouldSample};

use super::export::{self, Told};
use super::live::Live;
use super::scope::{self, Source};
use super::span::Span;
use super::{Core, Sampling, Setup, SpanCounts, clock, local, sited};
use crate::engine::follow_parents;

/// Hands out tracers; its clones are the same provider.
#[derive(Clone, Debug)]
pub(crate) struct Provider(&'static Core);

impl Provider {
    /// Starts the exporting thread.
    pub(crate) fn start(setup: Setup, outputs: Vec<Told>) -> std::io::Result<Self> {
        let (max_batch, delay) = (setup.max_batch, setup.delay);
        let core: &'static Core = Box::leak(Box::new(Core::new(setup)));
        export::start(core, outputs, max_batch, delay)?;
        Ok(Self(core))
    }

    /// Exports every span that has ended.
    pub(crate) fn force_flush(&self) -> OTelSdkResult {
        self.0.mailbox.flush()
    }

    /// The provider as it is to be made the global one: as long as it is that, sites write to this engine without the API in
    /// between.
    pub(crate) fn installed(&self) -> Installed {
        sited::activate(self.0);
        Installed(self.clone())
    }

    /// Exports every span that has ended, within `timeout`. Spans that end later are not exported.
    pub(crate) fn shut_down(&self, timeout: Duration) -> OTelSdkResult {
        if self.0.is_shut_down.swap(true, Ordering::AcqRel) {
            return Err(OTelSdkError::AlreadyShutdown);
        }
        sited::deactivate(self.0);
        self.0.mailbox.shut_down(timeout)
    }

    #[cfg(test)]
    pub(super) fn core(&self) -> &'static Core {
        self.0
    }

    /// What became of the spans so far.
    pub(crate) fn counts(&self) -> SpanCounts {
        self.0.counts()
    }
}

impl trace::TracerProvider for Provider {
    type Tracer = Tracer;

    fn tracer_with_scope(&self, scope: InstrumentationScope) -> Tracer {
        Tracer {
            core: self.0,
            source: local::tracer(scope),
        }
    }
}

/// The global provider, until it is dropped because there is another one.
#[derive(Debug)]
pub(crate) struct Installed(Provider);

impl trace::TracerProvider for Installed {
    type Tracer = Tracer;

    fn tracer_with_scope(&self, scope: InstrumentationScope) -> Tracer {
        self.0.tracer_with_scope(scope)
    }
}

impl Drop for Installed {
    fn drop(&mut self) {
        // What the sampler of the other one does is not known.
        follow_parents(false);
        sited::deactivate(self.0.0);
    }
}

/// Makes the spans of one instrumentation scope.
#[derive(Clone, Debug)]
pub(crate) struct Tracer {
    core: &'static Core,
    source: Source,
}

impl trace::Tracer for Tracer {
    type Span = Span;

    fn build_with_context(&self, builder: SpanBuilder, parent: &Context) -> Span {
        let span = parent.span();
        if parent.is_telemetry_suppressed() || self.core.is_shut_down.load(Ordering::Relaxed) {
            // Who is called by this is to continue the caller's trace.
            return Span::not_recording(span.span_context().clone());
        }
        let parent_span = Some(span.span_context()).filter(|span| span.is_valid());
        let trace_id = parent_span.map_or_else(local::trace_id, SpanContext::trace_id);
        let sampled = self.core.sample(&builder, parent, parent_span, trace_id);
        let flags = parent_span.map_or(TraceFlags::default(), SpanContext::trace_flags);
        let flags = match sampled.decision {
            SamplingDecision::RecordAndSample => flags.with_sampled(true),
            SamplingDecision::RecordOnly => flags.with_sampled(false),
            SamplingDecision::Drop => TraceFlags::default(),
        };
        let state = sampled.trace_state;
        let context = |id| SpanContext::new(trace_id, id, flags, false, state);
        if sampled.decision == SamplingDecision::Drop {
            return Span::not_recording(context(local::span_id()));
        }
        let (mut live, id) = local::live(self.core, self.source.clone());
        live.context = context(id);
        live.parent = parent_span.map_or(SpanId::INVALID, SpanContext::span_id);
        live.parent_is_remote = parent_span.is_some_and(SpanContext::is_remote);
        fill(&mut live, builder, sampled.attributes);
        Span::recording(live)
    }
}

/// Puts in what is known when the span starts.
fn fill(live: &mut Live, builder: SpanBuilder, of_sampler: Vec<KeyValue>) {
    let gathered = &mut live.gathered;
    gathered.rename(builder.name);
    live.kind = scope::kind(&builder.span_kind.unwrap_or(SpanKind::Internal));
    // Most often there is none of all these, which is seen at once like this.
    if let Some(attributes) = builder.attributes {
        gathered.attributes().extend(attributes);
    }
    if !of_sampler.is_empty() {
        gathered.attributes().extend(of_sampler);
    }
    for event in builder.events.unwrap_or_default() {
        gathered.add_event(
            &event.name,
            clock::unix_nanos(event.timestamp),
            event.attributes,
        );
    }
    for link in builder.links.unwrap_or_default() {
        gathered.add_link(&link.span_context, link.attributes);
    }
    let clock = &live.core.clock;
    live.start = match builder.start_time {
        Some(time) => clock.start_at(time),
        None => clock.start(),
    };
    live.has_begun();
}

impl Core {
    fn sample(
        &self,
        builder: &SpanBuilder,
        parent: &Context,
        parent_span: Option<&SpanContext>,
        trace_id: TraceId,
    ) -> SamplingResult {
        let sampler: &dyn ShouldSample = match (&self.sampling, parent_span) {
            (Sampling::Parent { .. }, Some(parent)) => {
                return SamplingResult {
                    decision: if parent.is_sampled() {
                        SamplingDecision::RecordAndSample
                    } else {
                        SamplingDecision::Drop
                    },
                    attributes: Vec::new(),
                    trace_state: parent.trace_state().clone(),
                };
            }
            (Sampling::Parent { root: sampler, .. } | Sampling::Sampler(sampler), _) => &**sampler,
            (Sampling::Always { is_on: true }, _) => &Sampler::AlwaysOn,
            (Sampling::Always { is_on: false }, _) => &Sampler::AlwaysOff,
        };
        sampler.should_sample(
            Some(parent),
            trace_id,
            &builder.name,
            builder.span_kind.as_ref().unwrap_or(&SpanKind::Internal),
            builder.attributes.as_deref().unwrap_or_default(),
            builder.links.as_deref().unwrap_or_default(),
        )
    }
}
