//! The thread that exports.

use std::fmt::Debug;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread::{self, ThreadId};
use std::time::{Duration, Instant};

use futures_executor::block_on;
use opentelemetry::Context;
#[cfg(feature = "otlp")]
use opentelemetry::InstrumentationScope;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::{OTelSdkError, OTelSdkResult};
use opentelemetry_sdk::trace::{BatchConfig, BatchSpanProcessor, SpanExporter};

use super::encode::{self, Scratch};
use super::lane::{Part, Sourced};
use super::quota::Room;
use super::record::{Found, Head, Record, Words};
use super::recovery::Recovery;
use super::scope::Label;
use super::{Core, decode};
use crate::delivery::{self, MAX_REQUEST, Patience, Refused, no_panic};
use crate::diagnostics;
use crate::losses::Losses;

/// So long one waits for an output that did not answer a moment ago. Others wait for it, and so does who flushes.
const BRIEF: Duration = Duration::from_secs(1);

/// The clock is set by the system's at least that often.
const ANCHORED_EVERY: Duration = Duration::from_millis(if cfg!(test) { 20 } else { 5_000 });

/// Takes ended spans out of the process; called by the exporting thread only.
pub(crate) trait Output: Debug + Send {
    /// Exports some spans. What is not taken is lost.
    fn export(&mut self, spans: &Batch<'_>, patience: &dyn Patience) -> Result<(), Refused>;

    /// Writes what it has of earlier exports.
    fn flush(&mut self) -> OTelSdkResult {
        Ok(())
    }

    /// Called once, after the last export.
    fn shut_down(&mut self, timeout: Duration) -> OTelSdkResult;
}

/// An output, and what is said of it.
#[derive(Debug)]
pub(crate) struct Told {
    pub(crate) output: Box<dyn Output>,
    pub(crate) losses: Losses,
}

impl Told {
    fn export(&mut self, spans: &Batch<'_>, patience: &dyn Patience) -> Result<(), Refused> {
        let result = self.try_export(spans, patience);
        self.losses.note(&result);
        result
    }

    /// The same with spans that are kept where nobody answers.
    pub(super) fn offer(
        &mut self,
        spans: &Batch<'_>,
        patience: &dyn Patience,
    ) -> Result<(), OTelSdkError> {
        match self.try_export(spans, patience) {
            Err(refused) if refused.is_final => {
                self.losses.some(refused.count, &refused.error);
                Ok(())
            }
            result => result.map_err(|refused| refused.error),
        }
    }

    fn try_export(&mut self, spans: &Batch<'_>, patience: &dyn Patience) -> Result<(), Refused> {
        delivery::export(spans.len(), || self.output.export(spans, patience))
    }

    fn flush(&mut self) -> OTelSdkResult {
        no_panic(|| self.output.flush()).unwrap_or_else(Err)
    }

    fn shut_down(&mut self, timeout: Duration) -> OTelSdkResult {
        no_panic(|| self.output.shut_down(timeout)).unwrap_or_else(Err)
    }
}

/// Hands spans to an exporter of the SDK.
#[derive(Debug)]
struct SdkExporter<E>(E);

impl<E: SpanExporter> Output for SdkExporter<E> {
    fn export(&mut self, spans: &Batch<'_>, _: &dyn Patience) -> Result<(), Refused> {
        let count = spans.len();
        // They are large, and not to be moved while the list grows.
        let mut decoded = Vec::with_capacity(count);
        for span in spans.spans() {
            decode::span(span, &mut decoded);
        }
        let exported = block_on(self.0.export(decoded));
        exported.map_err(|error| Refused {
            count,
            is_final: false,
            error,
        })
    }

    fn flush(&mut self) -> OTelSdkResult {
        self.0.force_flush()
    }

    fn shut_down(&mut self, timeout: Duration) -> OTelSdkResult {
        self.0.shutdown_with_timeout(timeout)
    }
}

/// An exporter of the SDK whose type is not told.
pub(crate) trait AnyExporter: Debug + Send {
    fn set_resource(&mut self, resource: &Resource);

    /// For this engine.
    fn into_output(self: Box<Self>) -> Box<dyn Output>;

    /// For the SDK's provider.
    fn into_processor(self: Box<Self>, batch: BatchConfig) -> BatchSpanProcessor;
}

impl<E: SpanExporter + 'static> AnyExporter for E {
    fn set_resource(&mut self, resource: &Resource) {
        SpanExporter::set_resource(self, resource);
    }

    fn into_output(self: Box<Self>) -> Box<dyn Output> {
        Box::new(SdkExporter(*self))
    }

    fn into_processor(self: Box<Self>, batch: BatchConfig) -> BatchSpanProcessor {
        BatchSpanProcessor::builder(*self)
            .with_batch_config(batch)
            .build()
    }
}

/// How the exporting thread is told what to do.
#[derive(Debug, Default)]
pub(super) struct Mailbox {
    state: Mutex<State>,
    changed: Condvar,
    /// Whether the thread was woken already, so that nobody needs the lock to do it again.
    is_woken: AtomicBool,
    /// The exporting thread, once it runs.
    thread: OnceLock<ThreadId>,
}

#[derive(Debug, Default)]
pub(super) struct State {
    /// So many flushes were asked for, and so many are done.
    pub(super) flushes: u64,
    flushed: u64,
    /// Until when the last spans are exported.
    end: Option<Instant>,
    has_ended: bool,
    /// What went wrong since it was last told.
    failure: Option<OTelSdkError>,
    /// What the flushes are told that were done last, and the first of them.
    told: (u64, Option<OTelSdkError>),
}

impl Mailbox {
    /// Lets the thread export what there is.
    pub(super) fn wake(&self) {
        if !self.is_woken.swap(true, Ordering::AcqRel) {
            // The lock is held by nobody who waits for anything.
            let _state = self.lock();
            self.changed.notify_all();
        }
    }

    /// Waits until every span that has ended is exported.
    pub(super) fn flush(&self) -> OTelSdkResult {
        self.refuse_own()?;
        let mut state = self.lock();
        state.flushes += 1;
        let ticket = state.flushes;
        self.changed.notify_all();
        while state.flushed < ticket && !state.has_ended {
            state = wait(&self.changed, state, None);
        }
        match &state.told {
            (first, Some(failure)) if ticket >= *first => Err(again(failure)),
            _ => Ok(()),
        }
    }

    /// The exporting thread cannot wait for itself.
    fn refuse_own(&self) -> OTelSdkResult {
        if self.thread.get() == Some(&thread::current().id()) {
            let message = "an exporter cannot wait for its own exports";
            return Err(OTelSdkError::InternalFailure(message.to_owned()));
        }
        Ok(())
    }

    /// Waits for the last export, and lets the thread end.
    pub(super) fn shut_down(&self, timeout: Duration) -> OTelSdkResult {
        let end = delivery::after(timeout);
        let mut state = self.lock();
        state.end = Some(delivery::last_call(timeout));
        self.changed.notify_all();
        self.refuse_own()?;
        while !state.has_ended {
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(OTelSdkError::Timeout(timeout));
            }
            state = wait(&self.changed, state, Some(left));
        }
        state
            .told
            .1
            .as_ref()
            .map_or(Ok(()), |failure| Err(again(failure)))
    }

    /// Waits until there is something to do, at most so long.
    fn wait(&self, most: Duration) -> Work {
        let until = Instant::now() + most;
        let mut state = self.lock();
        loop {
            let is_flush = state.flushed < state.flushes;
            let is_woken = self.is_woken.swap(false, Ordering::AcqRel);
            let is_asked = is_flush || is_woken || state.end.is_some();
            let left = until.saturating_duration_since(Instant::now());
            if is_asked || left.is_zero() {
                return Work {
                    is_asked,
                    is_flush,
                    flushes: state.flushes,
                    end: state.end,
                };
            }
            state = wait(&self.changed, state, Some(left));
        }
    }

    /// Says what was done.
    fn report(&self, work: &Work, failure: Option<OTelSdkError>) {
        let mut state = self.lock();
        let failure = failure.or_else(|| state.failure.take());
        if work.is_flush || work.end.is_some() {
            state.told = (state.flushed + 1, failure);
        } else {
            state.failure = failure;
        }
        state.flushed = work.flushes;
        state.has_ended = work.end.is_some();
        self.changed.notify_all();
    }

    /// Nobody exports any more, and nobody is to wait for it.
    fn end_by_panic(&self) {
        let mut state = self.lock();
        state.has_ended = true;
        let message = "the exporting thread has panicked";
        let failure = OTelSdkError::InternalFailure(message.to_owned());
        state.told = (0, Some(failure));
        self.changed.notify_all();
    }

    /// A panic elsewhere leaves nothing half done here.
    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Patience for Mailbox {
    fn end(&self) -> Option<Instant> {
        self.lock().end
    }

    #[cfg(feature = "otlp")]
    fn pause(&self, time: Duration) {
        let state = self.lock();
        let before = state.end.is_some();
        let waited = self
            .changed
            .wait_timeout_while(state, time, |state| state.end.is_some() == before);
        drop(waited);
    }
}

/// The patience with who did not answer before.
#[derive(Debug)]
struct Brief<'a> {
    mailbox: &'a Mailbox,
    end: Instant,
}

impl<'a> Brief<'a> {
    fn new(mailbox: &'a Mailbox) -> Self {
        Self {
            mailbox,
            end: delivery::after(BRIEF),
        }
    }
}

impl Patience for Brief<'_> {
    fn end(&self) -> Option<Instant> {
        let end = self.mailbox.end();
        Some(end.map_or(self.end, |end| end.min(self.end)))
    }

    #[cfg(feature = "otlp")]
    fn pause(&self, time: Duration) {
        self.mailbox.pause(time);
    }
}

/// The same failure, for one more who is told.
fn again(failure: &OTelSdkError) -> OTelSdkError {
    match failure {
        OTelSdkError::AlreadyShutdown => OTelSdkError::AlreadyShutdown,
        OTelSdkError::Timeout(time) => OTelSdkError::Timeout(*time),
        OTelSdkError::InternalFailure(text) => OTelSdkError::InternalFailure(text.clone()),
    }
}

fn wait<'a>(
    changed: &Condvar,
    state: MutexGuard<'a, State>,
    most: Option<Duration>,
) -> MutexGuard<'a, State> {
    match most {
        None => changed.wait(state).unwrap_or_else(PoisonError::into_inner),
        Some(most) => {
            let waited = changed.wait_timeout(state, most);
            waited.unwrap_or_else(PoisonError::into_inner).0
        }
    }
}

/// What the thread is to do.
struct Work {
    /// Whether it was woken for something. Otherwise just time has gone by.
    is_asked: bool,
    is_flush: bool,
    /// The flushes that this one answers.
    flushes: u64,
    /// Until when, if it is the last time.
    end: Option<Instant>,
}

/// Starts the thread. It ends after the shutdown.
pub(super) fn start(
    core: &'static Core,
    outputs: Vec<Told>,
    max_batch: usize,
    delay: Duration,
) -> std::io::Result<()> {
    let thread = thread::Builder::new().name("otel-runtime-spans".to_owned());
    thread.spawn(move || {
        // What exporters do is not traced.
        let _suppressed = Context::enter_telemetry_suppressed_scope();
        let _ = core.mailbox.thread.set(thread::current().id());
        let work = AssertUnwindSafe(|| run(core, outputs, max_batch, delay));
        if catch_unwind(work).is_err() {
            core.mailbox.end_by_panic();
        }
    })?;
    Ok(())
}

fn run(core: &'static Core, mut outputs: Vec<Told>, max_batch: usize, delay: Duration) {
    let mut exported = Instant::now();
    let mut memory = Memory::default();
    let mut recovery = Recovery::default();
    loop {
        let due = delay.saturating_sub(exported.elapsed());
        let work = core.mailbox.wait(due.min(ANCHORED_EVERY));
        core.clock.anchor();
        let mut failure = None;
        if work.is_asked || exported.elapsed() >= delay {
            failure = export(core, &mut outputs, max_batch, &mut memory).err();
            exported = Instant::now();
        }
        if work.is_flush {
            for output in &mut outputs {
                if let Err(error) = output.flush() {
                    failure.get_or_insert(error);
                }
            }
        }
        if let Some(journal) = &core.journal {
            memory.answers.resize(outputs.len(), true);
            let answers = &memory.answers;
            recovery.turn(journal, &mut outputs, answers, max_batch, &core.mailbox);
            if let Some(failure) = journal.failure() {
                diagnostics::error(&format!(
                    "the journal cannot be written, which is tried again: {failure}"
                ));
            }
        }
        if let Some(end) = work.end {
            let left = end.saturating_duration_since(Instant::now());
            for output in &mut outputs {
                if let Err(error) = output.shut_down(left) {
                    failure.get_or_insert(error);
                }
            }
        }
        if work.end.is_some()
            && let Some(journal) = &core.journal
        {
            journal.close();
        }
        core.mailbox.report(&work, failure);
        if work.end.is_some() {
            return;
        }
    }
}

/// What the thread keeps from one export to the next.
#[derive(Default)]
struct Memory {
    /// Those of all sites that are known.
    labels: Vec<&'static Label>,
    scratch: Scratch,
    /// Of the spans of a batch.
    fields: Vec<u8>,
    /// Which outputs answered at the last export.
    answers: Vec<bool>,
}

/// Exports all that has ended.
fn export(
    core: &Core,
    outputs: &mut [Told],
    max_batch: usize,
    memory: &mut Memory,
) -> OTelSdkResult {
    let parts = core.drain();
    // After that, so that none is missing.
    Label::catch_up(&mut memory.labels);
    let result = export_parts(core, outputs, max_batch, &parts, memory);
    core.recycle(parts);
    result
}

/// Exports to each output; the first failure is the one that is told.
fn export_parts(
    core: &Core,
    outputs: &mut [Told],
    max_batch: usize,
    parts: &[Part],
    memory: &mut Memory,
) -> OTelSdkResult {
    let patience = &core.mailbox;
    let answers = &mut memory.answers;
    answers.clear();
    answers.resize(outputs.len(), true);
    let labels = &memory.labels;
    let mut spans = parts.iter().flat_map(|part| {
        part.spans().filter_map(|found| {
            let source = part.origin(found.head.origin(), labels)?;
            Some((found, source))
        })
    });
    let mut result = Ok(());
    let mut batch = Batch::new(std::mem::take(&mut memory.fields));
    loop {
        batch.next(&mut spans, max_batch, &mut memory.scratch);
        if batch.len() == 0 {
            memory.fields = batch.fields;
            return result;
        }
        if patience.end().is_some_and(|end| Instant::now() >= end) {
            let lost = batch.len() + usize::from(batch.over.is_some()) + spans.count();
            core.counters.refused(lost);
            core.quota.release(Room {
                spans: lost,
                bytes: 0,
            });
            let message = format!("there was no time left for {lost} spans");
            return result.and(Err(OTelSdkError::InternalFailure(message)));
        }
        if let Some(journal) = &core.journal {
            journal.batch_leaves(&batch);
        }
        let mut refused = 0;
        for (output, answers) in outputs.iter_mut().zip(&mut *answers) {
            let brief = Brief::new(patience);
            let patience: &dyn Patience = if *answers { patience } else { &brief };
            let exported = output.export(&batch, patience);
            *answers = !matches!(&exported, Err(refused) if !refused.is_final);
            if let Err(error) = exported {
                refused = refused.max(error.count);
                result = result.and(Err(error.error));
            }
        }
        if let Some(journal) = &core.journal {
            journal.batch_has_left(&batch);
        }
        core.counters.exported(batch.len() - refused);
        core.counters.refused(refused);
        core.quota.release(Room {
            spans: batch.len(),
            bytes: 0,
        });
    }
}

/// Spans that leave together.
#[derive(Debug)]
pub(crate) struct Batch<'a> {
    spans: Vec<Placed<'a>>,
    fields: Vec<u8>,
    /// The first span of the next batch, with its fields.
    over: Option<(Waiting<'a>, Vec<u8>)>,
}

/// A span of a batch.
#[derive(Clone, Copy, Debug)]
struct Placed<'a> {
    span: Waiting<'a>,
    /// Where its fields end, which follow those of the one before.
    end: usize,
    /// How long its message is.
    length: usize,
}

/// A span where it waits, and what it has of where it comes from.
#[derive(Clone, Copy, Debug)]
pub(super) struct Waiting<'a> {
    pub(super) head: Words<'a>,
    pub(super) source: Sourced<'a>,
}

impl Waiting<'_> {
    #[inline]
    fn record<'b>(&'b self, fields: &'b [u8]) -> Record<'b> {
        Record {
            head: self.head.read(),
            scope: self.source.scope,
            name: self.source.name,
            fields,
        }
    }
}

impl<'a> Batch<'a> {
    /// An empty one; `fields` is memory to be used.
    fn new(fields: Vec<u8>) -> Self {
        Self {
            spans: Vec::new(),
            fields,
            over: None,
        }
    }

    /// The next of some spans, with their fields, that go together: one at least, if there is one.
    pub(super) fn of<'b>(
        from: &mut std::iter::Peekable<impl Iterator<Item = (Waiting<'a>, &'b [u8])>>,
        max_spans: usize,
    ) -> Self {
        let mut batch = Self::new(Vec::new());
        let mut bytes = 0;
        while batch.spans.len() < max_spans
            && let Some((span, fields)) = from.next_if(|(span, fields)| {
                bytes += span.record(fields).length();
                bytes <= MAX_REQUEST || batch.spans.is_empty()
            })
        {
            let start = batch.fields.len();
            batch.fields.extend_from_slice(fields);
            batch.place(span, start);
        }
        batch
    }

    /// How many spans there are.
    pub(crate) fn len(&self) -> usize {
        self.spans.len()
    }

    pub(super) fn heads(&self) -> impl Iterator<Item = Head> {
        self.spans.iter().map(|placed| placed.span.head.read())
    }

    /// Adds a span whose fields are there, from `start` on.
    #[inline]
    fn place(&mut self, span: Waiting<'a>, start: usize) -> Placed<'a> {
        let placed = Placed {
            span,
            end: self.fields.len(),
            length: span.record(&self.fields[start..]).length(),
        };
        self.spans.push(placed);
        placed
    }

    /// Each span.
    pub(super) fn spans(&self) -> impl Iterator<Item = Record<'_>> {
        let mut start = 0;
        self.spans.iter().map(move |placed| {
            let fields = &self.fields[start..placed.end];
            start = placed.end;
            placed.span.record(fields)
        })
    }

    /// The scope of each, and how long its message is.
    #[cfg(feature = "otlp")]
    pub(super) fn extents(&self) -> impl Iterator<Item = (&'a InstrumentationScope, usize)> {
        let spans = self.spans.iter();
        spans.map(|placed| (placed.span.source.scope, placed.length))
    }

    /// One span, and how long its message is.
    #[cfg(feature = "otlp")]
    pub(super) fn span(&self, index: usize) -> (Record<'_>, usize) {
        let start = match index {
            0 => 0,
            _ => self.spans[index - 1].end,
        };
        let placed = &self.spans[index];
        let record = placed.span.record(&self.fields[start..placed.end]);
        (record, placed.length)
    }

    /// Has the next spans that go together, and no others.
    fn next(
        &mut self,
        from: &mut impl Iterator<Item = (Found<'a>, Sourced<'a>)>,
        max_spans: usize,
        scratch: &mut Scratch,
    ) {
        self.spans.clear();
        self.fields.clear();
        let mut bytes = 0;
        if let Some((span, fields)) = self.over.take() {
            self.fields.extend_from_slice(&fields);
            bytes += self.place(span, 0).length;
        }
        while self.spans.len() < max_spans {
            let Some((found, source)) = from.next() else {
                return;
            };
            let span = Waiting {
                head: found.head,
                source,
            };
            let start = self.fields.len();
            encode::fields(source.constants, found.entries, scratch, &mut self.fields);
            bytes += self.place(span, start).length;
            if bytes > MAX_REQUEST && self.spans.len() > 1 {
                self.spans.pop();
                self.over = Some((span, self.fields.split_off(start)));
                return;
            }
        }
    }
}
