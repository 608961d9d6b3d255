//! Spans in the order and depth of a tree.

use std::collections::{HashMap, HashSet};
use std::iter;

use super::SpanRecord;

/// One span at its place in the tree.
#[derive(Debug)]
pub(super) struct Row<'a> {
    pub(super) span: &'a SpanRecord,
    /// 0 for a root.
    pub(super) depth: usize,
    pub(super) parent: Parent,
}

/// Where a span's parent is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Parent {
    /// Above it in the tree.
    Shown,
    /// It never had one.
    Absent,
    /// In another process, and not among the spans.
    Remote,
    /// In the same process, and not among the spans.
    Missing,
    /// Below it: the parents go round in a circle, which was cut here.
    Circular,
}

impl Parent {
    /// What to say of a root that is not the first span of its trace.
    pub(super) const fn note(self) -> Option<&'static str> {
        match self {
            Self::Shown | Self::Absent => None,
            Self::Remote => Some("(remote parent)"),
            Self::Missing => Some("(parent missing)"),
            Self::Circular => Some("(circular parent)"),
        }
    }
}

/// Lays the spans out as a forest, parents before children, siblings and roots by start time (then by end, then as
/// given). Every span is there exactly once: one whose parent is not given is a root, spans whose parents form a
/// circle hang below the earliest of them, and of spans with the same id the first one given has the children.
pub(super) fn rows<'a>(spans: &[&'a SpanRecord]) -> Vec<Row<'a>> {
    let mut by_id = HashMap::with_capacity(spans.len());
    for (index, span) in spans.iter().enumerate() {
        by_id.entry((span.trace_id, span.span_id)).or_insert(index);
    }
    let mut order: Vec<usize> = (0..spans.len()).collect();
    order.sort_by_key(|&index| place_among_siblings(spans, index));

    let mut children: Vec<Vec<usize>> = vec![Vec::new(); spans.len()];
    let mut roots = Vec::new();
    for &index in &order {
        let span = spans[index];
        let parent = span
            .parent_span_id
            .map(|id| by_id.get(&(span.trace_id, id)));
        match parent {
            Some(Some(&parent)) => children[parent].push(index),
            Some(None) if span.parent_is_remote => roots.push((index, Parent::Remote)),
            Some(None) => roots.push((index, Parent::Missing)),
            None => roots.push((index, Parent::Absent)),
        }
    }

    let mut layout = Layout {
        spans,
        children,
        placed: vec![false; spans.len()],
        rows: Vec::new(),
    };
    for (root, parent) in roots {
        layout.place(root, parent);
    }
    // What no root leads to is in a circle, or below one.
    for index in order {
        if !layout.placed[index] {
            let parent = |index: usize| {
                let span = spans[index];
                span.parent_span_id
                    .and_then(|id| by_id.get(&(span.trace_id, id)).copied())
            };
            layout.place(earliest_in_circle(spans, index, parent), Parent::Circular);
        }
    }
    layout.rows
}

/// Goes up from a span until the parents repeat, and once round from there.
fn earliest_in_circle(
    spans: &[&SpanRecord],
    below: usize,
    parent: impl Fn(usize) -> Option<usize>,
) -> usize {
    let mut seen = HashSet::new();
    let ancestors = || iter::successors(Some(below), |&index| parent(index));
    let in_circle = ancestors()
        .find(|&index| !seen.insert(index))
        .unwrap_or(below);
    let circle = iter::successors(Some(in_circle), |&index| {
        parent(index).filter(|&next| next != in_circle)
    });
    circle
        .min_by_key(|&index| place_among_siblings(spans, index))
        .unwrap_or(below)
}

fn place_among_siblings(spans: &[&SpanRecord], index: usize) -> (u64, u64, usize) {
    (
        spans[index].start_unix_nanos,
        spans[index].end_unix_nanos,
        index,
    )
}

struct Layout<'a, 'given> {
    spans: &'given [&'a SpanRecord],
    children: Vec<Vec<usize>>,
    placed: Vec<bool>,
    rows: Vec<Row<'a>>,
}

impl Layout<'_, '_> {
    /// Appends the subtree of a root; with a stack of its own, since traces can be deeper than threads' stacks.
    fn place(&mut self, root: usize, parent: Parent) {
        let mut waiting = vec![(root, 0, parent)];
        while let Some((index, depth, parent)) = waiting.pop() {
            if std::mem::replace(&mut self.placed[index], true) {
                continue;
            }
            self.rows.push(Row {
                span: self.spans[index],
                depth,
                parent,
            });
            let children = self.children[index].iter().rev();
            waiting.extend(children.map(|&child| (child, depth + 1, Parent::Shown)));
        }
    }
}
