//! What is measured of each contender.

use std::hint::black_box;
use std::panic::resume_unwind;
use std::thread;
use std::time::{Duration, Instant};

use crate::contenders::{Functions, Parent};

/// So many spans have one parent, so that what the parent costs does not count.
pub(crate) const CHILDREN: u32 = 100;

/// Spans of a tree: the root, and ten chains of ten.
pub(crate) const TREE: u32 = 101;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scenario {
    /// A span without attributes.
    Plain,
    /// A span with four attributes and an event.
    Attributes,
    /// A span without attributes that is not current.
    Leaf,
    /// The same with attributes and an event.
    LeafAttributes,
    /// A span of an async function that is pending three times.
    Async,
    /// A tree of 101 spans, ten deep; for each span.
    Tree,
    /// Two threads at once; for each span of one thread.
    TwoThreads,
    /// Plain, under a parent that is not sampled.
    Unsampled,
    /// With attributes and an event, under a parent that is not sampled.
    UnsampledAttributes,
}

impl Scenario {
    pub(crate) const ALL: [(Self, &'static str); 9] = [
        (Self::Plain, "plain"),
        (Self::Attributes, "attributes"),
        (Self::Leaf, "leaf"),
        (Self::LeafAttributes, "leaf-attributes"),
        (Self::Async, "async"),
        (Self::Tree, "tree"),
        (Self::TwoThreads, "two-threads"),
        (Self::Unsampled, "unsampled"),
        (Self::UnsampledAttributes, "unsampled-attributes"),
    ];

    pub(crate) fn name(self) -> &'static str {
        let mut all = Self::ALL.iter();
        all.find(|(scenario, _)| *scenario == self)
            .map_or("", |(_, name)| name)
    }

    pub(crate) fn named(name: &str) -> Option<Self> {
        let mut all = Self::ALL.iter();
        all.find(|(_, it)| *it == name)
            .map(|(scenario, _)| *scenario)
    }

    /// Makes about so many spans; the answer is what each took.
    pub(crate) fn run(self, functions: &Functions, spans: u32) -> f64 {
        match self {
            Self::Plain => children(functions, Parent::Sampled, spans, || {
                black_box((functions.plain)(black_box(7)));
            }),
            Self::Attributes => children(functions, Parent::Sampled, spans, || {
                black_box((functions.attributes)(
                    black_box(7),
                    black_box("President Suite"),
                    99.5,
                    true,
                ));
            }),
            Self::Leaf => children(functions, Parent::Sampled, spans, || {
                black_box((functions.leaf)(black_box(7)));
            }),
            Self::LeafAttributes => children(functions, Parent::Sampled, spans, || {
                black_box((functions.leaf_attributes)(
                    black_box(7),
                    black_box("President Suite"),
                    99.5,
                    true,
                ));
            }),
            Self::Async => children(functions, Parent::Sampled, spans, || {
                black_box((functions.task)(black_box(7)));
            }),
            Self::Unsampled => children(functions, Parent::Unsampled, spans, || {
                black_box((functions.plain)(black_box(7)));
            }),
            Self::UnsampledAttributes => children(functions, Parent::Unsampled, spans, || {
                black_box((functions.attributes)(
                    black_box(7),
                    black_box("President Suite"),
                    99.5,
                    true,
                ));
            }),
            Self::Tree => {
                let trees = spans.div_ceil(TREE);
                let begun = Instant::now();
                for _ in 0..trees {
                    (functions.under)(Parent::None, &mut || {
                        black_box((functions.tree)(black_box(7)));
                    });
                }
                per_span(begun.elapsed(), trees * TREE)
            }
            Self::TwoThreads => thread::scope(|scope| {
                let both = [(); 2].map(|()| scope.spawn(|| Self::Plain.run(functions, spans)));
                both.map(|thread| thread.join().unwrap_or_else(|panic| resume_unwind(panic)))
                    .into_iter()
                    .fold(0.0, f64::max)
            }),
        }
    }
}

fn children(functions: &Functions, parent: Parent, spans: u32, work: impl Fn()) -> f64 {
    let parents = spans.div_ceil(CHILDREN);
    let mut elapsed = Duration::ZERO;
    for _ in 0..parents {
        (functions.under)(parent, &mut || {
            let begun = Instant::now();
            for _ in 0..CHILDREN {
                work();
            }
            elapsed += begun.elapsed();
        });
    }
    per_span(elapsed, parents * CHILDREN)
}

fn per_span(elapsed: Duration, spans: u32) -> f64 {
    elapsed.as_secs_f64() * 1e9 / f64::from(spans)
}
