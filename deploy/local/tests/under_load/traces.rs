//! The traces of many bookings.

use std::collections::{HashMap, HashSet};

use otel_runtime::testing::SpanRecord;

use crate::clients::CALLER;

/// All spans that arrived, by their traces.
pub(crate) struct Traces {
    pub(crate) by_id: HashMap<String, Vec<SpanRecord>>,
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
    pub(crate) fn orphans(&self) -> Vec<&SpanRecord> {
        let mut orphans = Vec::new();
        for spans in self.by_id.values() {
            let ids: HashSet<_> = spans.iter().map(|span| span.span_id).collect();
            orphans.extend(spans.iter().filter(|span| {
                span.parent_span_id
                    .is_some_and(|parent| !ids.contains(&parent) && parent.to_string() != CALLER)
            }));
        }
        orphans
    }

    /// How many spans came more than once.
    pub(crate) fn twice(&self) -> usize {
        let of_trace = |spans: &Vec<SpanRecord>| {
            let ids: HashSet<_> = spans.iter().map(|span| span.span_id).collect();
            spans.len() - ids.len()
        };
        self.by_id.values().map(of_trace).sum()
    }
}
