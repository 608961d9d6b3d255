//! The traces of many bookings.

use std::collections::{HashMap, HashSet};

use otel_runtime::testing::SpanRecord;

use crate::clients::CALLER;

/// All spans that arrived, by their traces.
pub(crate) struct Traces {
    pub(crate) by_id: HashMap<String, Vec<SpanRecord>>,
}

/// A span whose parent did not arrive.
pub(crate) struct Orphan<'a> {
    pub(crate) trace: &'a str,
    pub(crate) span: &'a SpanRecord,
}

impl Traces {
    pub(crate) fn new(spans: Vec<SpanRecord>) -> Self {
        let mut by_id: HashMap<_, Vec<_>> = HashMap::new();
        for span in spans {
            by_id
                .entry(span.trace_id.to_string())
                .or_default()
                .push(span);
        }
        Self { by_id }
    }

    /// The spans whose parents did not arrive, except for those that the callers began.
    pub(crate) fn orphans(&self) -> Vec<Orphan<'_>> {
        let mut orphans = Vec::new();
        for (trace, spans) in &self.by_id {
            let ids: HashSet<_> = spans.iter().map(|span| span.span_id).collect();
            assert_eq!(ids.len(), spans.len(), "a span of {trace} came twice");
            orphans.extend(
                spans
                    .iter()
                    .filter(|span| {
                        span.parent_span_id.is_some_and(|parent| {
                            !ids.contains(&parent) && parent.to_string() != CALLER
                        })
                    })
                    .map(|span| Orphan { trace, span }),
            );
        }
        orphans
    }
}

impl Orphan<'_> {
    /// The service whose process made the parent.
    pub(crate) fn parent_service(&self) -> &str {
        let own = self.span.service_name().unwrap();
        match self.span.name.as_str() {
            // What the worker itself sent on after an attempt that failed is linked to the first producer as well.
            _ if self.span.links.len() > 1 => own,
            "process booking.created" => "dispo",
            "process cleaning.planned" => "cleaning-worker",
            _ => own,
        }
    }
}
