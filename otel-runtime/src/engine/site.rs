//! The place in the source where a span is made, and whether one is made there at all.

use std::sync::atomic::{AtomicU8, Ordering};

use opentelemetry::InstrumentationScope;
use opentelemetry::trace::SpanKind;

use super::control;

/// Not called yet, so that no rule was looked at.
const NEW: u8 = 0;
const ON: u8 = 1;
const OFF: u8 = 2;

/// One annotated function or block; a static in the annotated crate.
#[derive(Debug)]
pub struct Site {
    /// The span's name; empty where it is computed at run time.
    pub(crate) name: &'static str,
    pub(super) kind: SpanKind,
    pub(crate) source: Source,
    state: AtomicU8,
}

/// Where in the user's code a site is.
#[derive(Debug)]
pub struct Source {
    /// The instrumentation scope: the annotated crate's name, unless another is written.
    pub package: &'static str,
    /// The annotated crate's version; empty with another scope.
    pub version: &'static str,
    /// The module's path.
    pub module: &'static str,
    /// The function's name, without its module; empty for `span!`.
    pub function: &'static str,
    /// The file as the compiler was given it.
    pub file: &'static str,
    /// The line, from 1.
    pub line: u32,
}

impl Site {
    /// Describes a site.
    #[must_use]
    pub const fn new(name: &'static str, kind: SpanKind, source: Source) -> Site {
        Site {
            name,
            kind,
            source,
            state: AtomicU8::new(NEW),
        }
    }

    /// Whether a span may be made here. A site that was called before costs one relaxed load.
    #[inline]
    pub(super) fn is_on(&'static self) -> bool {
        match self.state.load(Ordering::Relaxed) {
            ON => true,
            OFF => false,
            _ => control::register(self),
        }
    }

    /// Whether the rules of now allow a span here.
    pub(crate) fn is_switched_on(&self) -> bool {
        self.state.load(Ordering::Relaxed) == ON
    }

    pub(super) fn switch(&self, on: bool) {
        self.state
            .store(if on { ON } else { OFF }, Ordering::Relaxed);
    }

    pub(super) fn scope(&self) -> InstrumentationScope {
        let scope = InstrumentationScope::builder(self.source.package);
        match self.source.version {
            "" => scope.build(),
            version => scope.with_version(version).build(),
        }
    }
}
