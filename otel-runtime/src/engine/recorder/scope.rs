//! The instrumentation scopes of spans.

use std::ops::Deref;
use std::sync::{Arc, Mutex, PoisonError};

use opentelemetry::InstrumentationScope;

/// A scope, cheap to clone.
#[derive(Clone, Debug)]
pub(crate) enum Scope {
    /// Of a site. There are as many as the source has, and they stay.
    Site(&'static InstrumentationScope),
    /// Of a tracer; how many of them a program makes nobody knows.
    Tracer(Arc<InstrumentationScope>),
}

impl Deref for Scope {
    type Target = InstrumentationScope;

    fn deref(&self) -> &InstrumentationScope {
        match self {
            Self::Site(scope) => scope,
            Self::Tracer(scope) => scope,
        }
    }
}

/// The one scope that is kept of those that are equal.
pub(crate) fn interned(scope: InstrumentationScope) -> &'static InstrumentationScope {
    static KEPT: Mutex<Vec<&'static InstrumentationScope>> = Mutex::new(Vec::new());
    let mut kept = KEPT.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(same) = kept.iter().find(|kept| ***kept == scope) {
        return same;
    }
    let scope: &'static InstrumentationScope = Box::leak(Box::new(scope));
    kept.push(scope);
    scope
}
