//! Where spans come from: their instrumentation scopes and, of sites, the names.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use opentelemetry::InstrumentationScope;

/// Where a span comes from, cheap to clone.
#[derive(Clone, Debug)]
pub(crate) enum Source {
    /// A site. There are as many as the source code has, and they stay.
    Site(&'static Label),
    /// A tracer; how many of them a program makes nobody knows.
    Tracer(Arc<InstrumentationScope>),
}

/// What the spans of a site have in common.
#[derive(Debug)]
pub(crate) struct Label {
    pub(super) index: u32,
    /// Those that are equal are one.
    pub(crate) scope: &'static InstrumentationScope,
    pub(super) name: &'static str,
}

static LABELS: Mutex<Vec<&'static Label>> = Mutex::new(Vec::new());

impl Label {
    /// Keeps what is known of a site. To be called once for each.
    pub(crate) fn register(scope: InstrumentationScope, name: &'static str) -> &'static Label {
        let mut labels = labels();
        let same = labels.iter().find(|label| *label.scope == scope);
        let scope = same.map_or_else(|| &*Box::leak(Box::new(scope)), |label| label.scope);
        let label = &*Box::leak(Box::new(Label {
            index: u32::try_from(labels.len()).expect("there are fewer sites"),
            scope,
            name,
        }));
        labels.push(label);
        label
    }

    /// Adds those that were registered since.
    pub(super) fn catch_up(known: &mut Vec<&'static Label>) {
        let labels = labels();
        known.extend_from_slice(&labels[known.len()..]);
    }
}

/// A panic elsewhere leaves nothing half done here.
fn labels() -> MutexGuard<'static, Vec<&'static Label>> {
    LABELS.lock().unwrap_or_else(PoisonError::into_inner)
}
