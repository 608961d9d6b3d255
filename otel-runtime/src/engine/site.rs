//! The place in the source where a span is made.

use opentelemetry::InstrumentationScope;
use opentelemetry::trace::SpanKind;

/// One annotated function or block; a static in the annotated crate.
#[derive(Debug)]
pub struct Site {
    /// The span's name; empty where it is computed at run time.
    pub(super) name: &'static str,
    pub(super) kind: SpanKind,
    source: Source,
}

/// Where in the user's code a site is.
#[derive(Debug)]
pub struct Source {
    /// The annotated crate's name: the instrumentation scope.
    pub package: &'static str,
    /// The annotated crate's version.
    pub version: &'static str,
    /// The module's path.
    pub module: &'static str,
    /// The file as the compiler was given it.
    pub file: &'static str,
    /// The line, from 1.
    pub line: u32,
}

impl Site {
    /// Describes a site.
    #[must_use]
    pub const fn new(name: &'static str, kind: SpanKind, source: Source) -> Site {
        Site { name, kind, source }
    }

    pub(super) fn scope(&self) -> InstrumentationScope {
        InstrumentationScope::builder(self.source.package)
            .with_version(self.source.version)
            .build()
    }
}
