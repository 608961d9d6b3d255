//! Where spans come from: their instrumentation scopes and, of sites, the names.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};

use opentelemetry::InstrumentationScope;
#[cfg(any(
    feature = "actix-web",
    feature = "diesel",
    feature = "messaging",
    feature = "reqwest"
))]
use opentelemetry::KeyValue;
use opentelemetry::trace::SpanKind;

use super::attributes::Attributes;
#[cfg(any(
    feature = "actix-web",
    feature = "diesel",
    feature = "messaging",
    feature = "reqwest"
))]
use super::{encode, entries::Entries, field};

/// Where a span comes from, cheap to clone.
#[derive(Clone, Debug)]
pub(crate) enum Source {
    /// A site, of which there are as many as the source code has, or one of the first tracers. They stay.
    Site(&'static Label),
    /// A tracer; how many of them a program makes nobody knows.
    Tracer(Arc<InstrumentationScope>),
}

/// So many scopes of tracers stay, so that their spans need not count who still refers to one.
const MOST_TRACERS: usize = 1024;

impl Source {
    /// That of a tracer, of which the label has no name: each span has its own.
    pub(super) fn tracer(scope: InstrumentationScope) -> Self {
        let mut tracers = TRACERS.lock().unwrap_or_else(PoisonError::into_inner);
        let (known, count) = &mut *tracers;
        let same = known.get(scope.name()).into_iter().flatten();
        if let Some(label) = same.copied().find(|label| is_same(label.scope, &scope)) {
            return Self::Site(label);
        }
        if *count == MOST_TRACERS {
            return Self::Tracer(Arc::new(scope));
        }
        let label = Label::register(scope, "", &SpanKind::Internal);
        known.entry(label.scope.name()).or_default().push(label);
        *count += 1;
        Self::Site(label)
    }

    /// How many attributes each of its spans has from the start.
    #[inline(always)]
    pub(super) fn attributes(&self) -> u32 {
        match self {
            Self::Site(label) => label.attributes(),
            Self::Tracer(_) => 0,
        }
    }

    /// As OTLP counts; a tracer says it with each span.
    #[inline(always)]
    pub(super) fn kind(&self) -> u8 {
        match self {
            Self::Site(label) => label.kind,
            Self::Tracer(_) => 0,
        }
    }
}

/// A kind as OTLP counts it.
pub(super) const fn kind(kind: &SpanKind) -> u8 {
    match kind {
        SpanKind::Internal => 1,
        SpanKind::Server => 2,
        SpanKind::Client => 3,
        SpanKind::Producer => 4,
        SpanKind::Consumer => 5,
    }
}

/// What the spans of a site have in common, or other spans that are all alike.
///
/// What is asked for while a span is made is in one line of the cache: see [`Core`](super::Core).
#[derive(Debug)]
#[repr(C, align(64))]
pub(crate) struct Label {
    pub(super) index: u32,
    /// As OTLP counts.
    pub(super) kind: u8,
    /// Attributes of all of them, as OTLP has them.
    pub(super) constants: Attributes,
    /// Those that are equal are one.
    pub(crate) scope: &'static InstrumentationScope,
    pub(super) name: &'static str,
}

/// The labels of tracers by the names of their scopes, and how many there are.
type Tracers = (HashMap<&'static str, Vec<&'static Label>>, usize);

static TRACERS: LazyLock<Mutex<Tracers>> = LazyLock::new(Mutex::default);

static LABELS: Mutex<Vec<&'static Label>> = Mutex::new(Vec::new());

impl Label {
    /// Keeps what is known of a site. To be called once for each.
    pub(crate) fn register(
        scope: InstrumentationScope,
        name: &'static str,
        kind: &SpanKind,
    ) -> &'static Label {
        Self::with_constants(scope, name, kind, Attributes::default())
    }

    /// Keeps what many spans have in common, for ever: to be called for few of them. No limits hold for the attributes.
    #[cfg(any(
        feature = "actix-web",
        feature = "diesel",
        feature = "messaging",
        feature = "reqwest"
    ))]
    pub(crate) fn prepare(
        scope: InstrumentationScope,
        name: &str,
        kind: &SpanKind,
        attributes: impl IntoIterator<Item = KeyValue>,
    ) -> &'static Label {
        let mut list = Entries::unlimited();
        list.extend(attributes);
        let name = Box::leak(Box::<str>::from(name));
        let constants = encode::attributes(&list, field::ATTRIBUTES);
        Self::with_constants(scope, name, kind, constants)
    }

    fn with_constants(
        scope: InstrumentationScope,
        name: &'static str,
        kind: &SpanKind,
        constants: Attributes,
    ) -> &'static Label {
        let mut labels = labels();
        let same = labels.iter().find(|label| *label.scope == scope);
        let scope = same.map_or_else(|| &*Box::leak(Box::new(scope)), |label| label.scope);
        let label = &*Box::leak(Box::new(Label {
            index: u32::try_from(labels.len()).expect("there are fewer sites"),
            scope,
            name,
            kind: self::kind(kind),
            constants,
        }));
        labels.push(label);
        label
    }

    /// How many attributes each of the spans has from the start.
    #[inline(always)]
    pub(super) fn attributes(&self) -> u32 {
        self.constants.count()
    }

    /// Adds those that were registered since.
    pub(super) fn catch_up(known: &mut Vec<&'static Label>) {
        let labels = labels();
        known.extend_from_slice(&labels[known.len()..]);
    }
}

/// Of scopes without attributes, nearly all, the API would make lists of those first.
pub(super) fn is_same(one: &InstrumentationScope, other: &InstrumentationScope) -> bool {
    let is_plain = |scope: &InstrumentationScope| scope.attributes().next().is_none();
    if is_plain(one) && is_plain(other) {
        one.name() == other.name()
            && one.version() == other.version()
            && one.schema_url() == other.schema_url()
    } else {
        one == other
    }
}

/// A panic elsewhere leaves nothing half done here.
fn labels() -> MutexGuard<'static, Vec<&'static Label>> {
    LABELS.lock().unwrap_or_else(PoisonError::into_inner)
}
