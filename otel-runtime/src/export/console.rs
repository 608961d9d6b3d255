//! `OTEL_TRACES_EXPORTER=console`: finished traces as trees on standard output.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::io::{self, Stdout};
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use opentelemetry::KeyValue;
use opentelemetry::trace::{SpanId, TraceId};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::{OTelSdkError, OTelSdkResult};
use opentelemetry_sdk::trace::{SpanData, SpanExporter};

use super::page::Page;
use super::{Detail, SpanRecord, record, timed};

mod recent;
#[cfg(test)]
mod tests;

use recent::Recent;

/// How many spans wait for their roots before the oldest trace is printed unfinished.
const HELD_SPANS: NonZeroUsize = NonZeroUsize::new(8192).unwrap();

/// Prints each trace as a tree as soon as its local root (no parent, or one in another process) has ended.
///
/// Spans are held until then, at most a fixed number of them: beyond it the oldest trace is printed unfinished, so
/// that none is lost. A span that ends after its parent was printed is printed on its own, with its descendants; what
/// no root ever claims is printed on flush and shutdown.
///
/// Threads may export at the same time. What one of them has printed another may have made.
pub(crate) struct ConsoleExporter<P> {
    resource: Arc<[KeyValue]>,
    page: P,
    /// Locked by who prints already, and never the other way round.
    state: Mutex<State>,
}

impl ConsoleExporter<Stdout> {
    /// Prints to standard output.
    pub(crate) fn stdout() -> Self {
        Self::new(io::stdout())
    }
}

impl<P: Page> ConsoleExporter<P> {
    /// Prints to `page`, one write a tree.
    pub(crate) fn new(page: P) -> Self {
        Self::with_capacity(page, HELD_SPANS)
    }

    /// Prints to `page`; `capacity` is how many spans are held at most.
    pub(crate) fn with_capacity(page: P, capacity: NonZeroUsize) -> Self {
        let state = State {
            capacity: capacity.get(),
            traces: BTreeMap::new(),
            numbers: HashMap::new(),
            next_number: 0,
            held: 0,
            printed: Recent::new(capacity),
            trees: Vec::new(),
            shut_down: false,
        };
        Self {
            resource: Arc::new([]),
            page,
            state: Mutex::new(state),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Prints the trees that wait for it, in their order. The first error is returned when all is done.
    fn print(&self) -> OTelSdkResult {
        let printed = self.page.print(|writer| {
            let trees = std::mem::take(&mut self.state().trees);
            let mut result = Ok(());
            for tree in trees {
                result = result.and(writer.write_all(tree.as_bytes()));
            }
            result.and(writer.flush())
        });
        printed.map_err(|error| OTelSdkError::InternalFailure(format!("standard output: {error}")))
    }
}

impl<P: Page> SpanExporter for ConsoleExporter<P> {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let mut state = self.state();
        if state.shut_down {
            return Err(OTelSdkError::AlreadyShutdown);
        }
        let records = batch
            .into_iter()
            .map(|span| SpanRecord::from_sdk(span, &self.resource));
        let waiting = state.trees.len();
        state.take(records);
        let is_finished = state.trees.len() > waiting;
        drop(state);
        if is_finished { self.print() } else { Ok(()) }
    }

    fn shutdown_with_timeout(&self, _timeout: Duration) -> OTelSdkResult {
        let mut state = self.state();
        if std::mem::replace(&mut state.shut_down, true) {
            return Err(OTelSdkError::AlreadyShutdown);
        }
        state.finish_rest();
        drop(state);
        self.print()
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.state().finish_rest();
        self.print()
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.resource = record::shared_resource(resource);
    }
}

impl<P> fmt::Debug for ConsoleExporter<P> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("ConsoleExporter")
            .finish_non_exhaustive()
    }
}

struct State {
    capacity: usize,
    /// Held spans by trace; the numbers grow, so that the first trace is the oldest.
    traces: BTreeMap<u64, Vec<SpanRecord>>,
    numbers: HashMap<TraceId, u64>,
    next_number: u64,
    held: usize,
    printed: Recent<(TraceId, SpanId)>,
    /// What is still to be printed.
    trees: Vec<String>,
    shut_down: bool,
}

impl State {
    /// Makes trees of what the spans finish; holds the others.
    fn take(&mut self, records: impl Iterator<Item = SpanRecord>) {
        let mut finished = Vec::new();
        for record in records {
            let trace = record.trace_id;
            if self.is_top(&record) && !finished.contains(&trace) {
                finished.push(trace);
            }
            self.hold(record);
            if self.held > self.capacity
                && let Some((_, spans)) = self.traces.pop_first()
            {
                self.finish_whole(&spans);
            }
        }
        for trace in finished {
            self.finish(trace);
        }
    }

    fn hold(&mut self, record: SpanRecord) {
        let number = *self.numbers.entry(record.trace_id).or_insert_with(|| {
            self.next_number += 1;
            self.next_number
        });
        self.traces.entry(number).or_default().push(record);
        self.held += 1;
    }

    /// Whether nothing that is still to come belongs above the span.
    fn is_top(&self, span: &SpanRecord) -> bool {
        match span.parent_span_id {
            None => true,
            Some(_) if span.parent_is_remote => true,
            Some(parent) => self.printed.contains(&(span.trace_id, parent)),
        }
    }

    /// Makes a tree of the held spans of a trace that are tops or below one; the others wait for roots of their own.
    fn finish(&mut self, trace: TraceId) {
        let Some(number) = self.numbers.remove(&trace) else {
            return; // printed unfinished, since the batch filled the memory
        };
        let spans = self.traces.remove(&number).unwrap_or_default();
        let chosen = self.below_tops(&spans);
        let late = !spans
            .iter()
            .any(|span| span.parent_span_id.is_none() || span.parent_is_remote);
        let (finished, waiting): (Vec<_>, Vec<_>) = spans
            .into_iter()
            .zip(chosen)
            .partition(|(_, chosen)| *chosen);
        if !waiting.is_empty() {
            self.numbers.insert(trace, number);
            self.traces
                .insert(number, waiting.into_iter().map(|(span, _)| span).collect());
        }
        let finished: Vec<_> = finished.into_iter().map(|(span, _)| span).collect();
        self.push_tree(&finished, if late { "(late spans)" } else { "" });
    }

    /// For each span, whether it is a top or a descendant of one.
    fn below_tops(&self, spans: &[SpanRecord]) -> Vec<bool> {
        let mut children: HashMap<SpanId, Vec<usize>> = HashMap::new();
        for (index, span) in spans.iter().enumerate() {
            if let Some(parent) = span.parent_span_id {
                children.entry(parent).or_default().push(index);
            }
        }
        let mut below = vec![false; spans.len()];
        let mut to_visit: Vec<_> = (0..spans.len())
            .filter(|&index| self.is_top(&spans[index]))
            .collect();
        while let Some(index) = to_visit.pop() {
            if !std::mem::replace(&mut below[index], true)
                && let Some(children) = children.get(&spans[index].span_id)
            {
                to_visit.extend(children);
            }
        }
        below
    }

    fn finish_rest(&mut self) {
        while let Some((_, spans)) = self.traces.pop_first() {
            self.finish_whole(&spans);
        }
    }

    fn finish_whole(&mut self, spans: &[SpanRecord]) {
        if let Some(span) = spans.first() {
            self.numbers.remove(&span.trace_id);
        }
        self.push_tree(spans, "(unfinished)");
    }

    fn push_tree(&mut self, spans: &[SpanRecord], note: &str) {
        if spans.is_empty() {
            return;
        }
        self.held -= spans.len();
        for span in spans {
            self.printed.insert((span.trace_id, span.span_id));
        }
        let spans: Vec<_> = spans.iter().collect();
        let tree = timed::trace(&spans, note, Detail::ALL);
        self.trees.push(format!("{tree}\n\n"));
    }
}
