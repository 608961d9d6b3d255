//! Who decides whether a span is recorded.

use std::any::Any;

use opentelemetry::trace::{Link, SpanKind, TraceId};
use opentelemetry::{Context, KeyValue};
use opentelemetry_sdk::trace::{
    Sampler, SamplingDecision, SamplingResult, ShouldSample, TracerProviderBuilder,
};

/// A sampler. What is known of it here need not be asked.
#[derive(Clone, Debug)]
pub(crate) enum Sampling {
    /// The parent and, where there is none, a sampler.
    Parent {
        root: Box<dyn ShouldSample>,
        /// Whether that is known to look at nothing but the trace id, and to add nothing to the span.
        by_trace_id: bool,
    },
    /// Nobody: every span is recorded, or none is.
    Always { is_on: bool },
    /// A sampler, for every span.
    Sampler(Box<dyn ShouldSample>),
}

/// As the specification has it.
impl Default for Sampling {
    fn default() -> Self {
        Self::Parent {
            root: Box::new(Sampler::AlwaysOn),
            by_trace_id: true,
        }
    }
}

impl Sampling {
    pub(crate) fn new(sampler: impl ShouldSample + 'static) -> Self {
        match (&sampler as &dyn Any).downcast_ref() {
            // What is in the box cannot be asked for its type.
            Some(Sampler::ParentBased(root)) => Self::Parent {
                root: root.clone(),
                by_trace_id: false,
            },
            Some(Sampler::AlwaysOn) => Self::Always { is_on: true },
            Some(Sampler::AlwaysOff) => Self::Always { is_on: false },
            _ => Self::Sampler(Box::new(sampler)),
        }
    }

    /// The sampler that the environment names, which is one of the SDK's.
    pub(crate) fn of_environment(sampler: Sampler) -> Self {
        match sampler {
            Sampler::ParentBased(root) => Self::Parent {
                root,
                by_trace_id: true,
            },
            sampler => Self::new(sampler),
        }
    }

    /// Whether it is known without asking what becomes of a span that is wanted: under a parent that is sampled or not, or of
    /// one without a parent as soon as that has a trace id.
    #[inline(always)]
    pub(super) fn is_known(&self, parent_is_sampled: Option<bool>) -> bool {
        match (self, parent_is_sampled) {
            (Self::Parent { by_trace_id, .. }, None) => *by_trace_id,
            (Self::Always { .. }, None) => true,
            // Flags and state will be the parent's.
            (Self::Parent { .. } | Self::Always { is_on: true }, Some(is_sampled)) => is_sampled,
            (Self::Always { is_on: false }, Some(_)) | (Self::Sampler(_), _) => false,
        }
    }

    /// Whether the root with this trace id is recorded, if the trace id is all that has to be known.
    pub(super) fn takes_root(&self, trace_id: TraceId) -> Option<bool> {
        match self {
            Self::Parent {
                root,
                by_trace_id: true,
            } => {
                let sampled = root.should_sample(None, trace_id, "", &SpanKind::Internal, &[], &[]);
                Some(sampled.decision == SamplingDecision::RecordAndSample)
            }
            Self::Always { is_on } => Some(*is_on),
            _ => None,
        }
    }

    /// Whether nothing is recorded under a parent that is not sampled.
    pub(crate) fn follows_parents(&self) -> bool {
        matches!(self, Self::Parent { .. } | Self::Always { is_on: false })
    }

    /// Lets the SDK ask the sampler.
    pub(crate) fn set(self, provider: TracerProviderBuilder) -> TracerProviderBuilder {
        match self {
            Self::Parent { root, .. } => provider.with_sampler(Sampler::ParentBased(root)),
            Self::Always { is_on: true } => provider.with_sampler(Sampler::AlwaysOn),
            Self::Always { is_on: false } => provider.with_sampler(Sampler::AlwaysOff),
            Self::Sampler(sampler) => provider.with_sampler(Boxed(sampler)),
        }
    }
}

/// A sampler whose type is not known, as one that is.
#[derive(Clone, Debug)]
struct Boxed(Box<dyn ShouldSample>);

impl ShouldSample for Boxed {
    fn should_sample(
        &self,
        parent: Option<&Context>,
        trace_id: TraceId,
        name: &str,
        kind: &SpanKind,
        attributes: &[KeyValue],
        links: &[Link],
    ) -> SamplingResult {
        self.0
            .should_sample(parent, trace_id, name, kind, attributes, links)
    }
}
