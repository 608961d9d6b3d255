//! The place in the source where a span is made, and whether one is made there at all.

use std::panic::Location;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU8, Ordering};

use opentelemetry::InstrumentationScope;
use opentelemetry::trace::SpanKind;

use super::control;
use super::recorder::scope::Label;

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
    scope: Scope,
    /// The module's path.
    pub(crate) module: &'static str,
    /// The function's name, without its module; empty for `span!`.
    pub(crate) function: &'static str,
    pub(crate) location: &'static Location<'static>,
    state: AtomicU8,
    label: OnceLock<&'static Label>,
}

/// The instrumentation scope of a site.
#[derive(Debug)]
pub struct Scope {
    /// The module's crate, where nothing else is known.
    name: Option<&'static str>,
    version: Option<&'static str>,
}

impl Scope {
    /// The annotated crate; cargo tells its name and version, other ways of building may not.
    #[must_use]
    pub const fn of_crate(name: Option<&'static str>, version: Option<&'static str>) -> Scope {
        Scope { name, version }
    }

    /// The one that is written in `scope = ".."`.
    #[must_use]
    pub const fn named(name: &'static str) -> Scope {
        Scope {
            name: Some(name),
            version: None,
        }
    }
}

impl Site {
    /// Describes the site that this is called in.
    #[must_use]
    #[track_caller]
    pub const fn new(
        name: &'static str,
        kind: SpanKind,
        scope: Scope,
        module: &'static str,
        function: &'static str,
    ) -> Site {
        Site {
            name,
            kind,
            scope,
            module,
            function,
            location: Location::caller(),
            state: AtomicU8::new(NEW),
            label: OnceLock::new(),
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

    /// The span's name where none is computed, or before one is.
    pub(super) fn default_name(&self) -> &'static str {
        if self.name.is_empty() {
            self.function
        } else {
            self.name
        }
    }

    #[inline]
    pub(super) fn label(&self) -> &'static Label {
        self.label
            .get_or_init(|| Label::register(self.build_scope(), self.default_name(), &self.kind))
    }

    #[cold]
    fn build_scope(&self) -> InstrumentationScope {
        let Scope { name, version } = self.scope;
        let in_module = || self.module.split("::").next().unwrap_or_default();
        let scope = InstrumentationScope::builder(name.unwrap_or_else(in_module));
        match version {
            Some(version) => scope.with_version(version).build(),
            None => scope.build(),
        }
    }
}
