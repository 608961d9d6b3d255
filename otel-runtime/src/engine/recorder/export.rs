//! The thread that exports.

use std::fmt::Debug;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use futures_executor::block_on;
use opentelemetry::{Context, InstrumentationScope};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::{OTelSdkError, OTelSdkResult};
use opentelemetry_sdk::trace::{BatchConfig, BatchSpanProcessor, SpanExporter};

use super::buffer::Spans;
use super::{Core, decode};

/// The clock is set by the system's at least that often.
const ANCHORED_EVERY: Duration = Duration::from_secs(5);

/// An encoded span with its scope.
pub(crate) type ScopedSpan<'a> = (&'a Arc<InstrumentationScope>, &'a [u8]);

/// Takes ended spans out of the process; called by the exporting thread only.
pub(crate) trait Output: Debug + Send {
    /// Exports some spans. They are lost when that fails.
    fn export(&mut self, spans: &[ScopedSpan<'_>]) -> OTelSdkResult;

    /// Called once, after the last export.
    fn shut_down(&mut self, timeout: Duration) -> OTelSdkResult;
}

/// The spans go to each; the first failure is the one that is told.
impl Output for Vec<Box<dyn Output>> {
    fn export(&mut self, spans: &[ScopedSpan<'_>]) -> OTelSdkResult {
        let results = self.iter_mut().map(|output| output.export(spans));
        results.fold(Ok(()), OTelSdkResult::and)
    }

    fn shut_down(&mut self, timeout: Duration) -> OTelSdkResult {
        let results = self.iter_mut().map(|output| output.shut_down(timeout));
        results.fold(Ok(()), OTelSdkResult::and)
    }
}

/// Hands spans to an exporter of the SDK.
#[derive(Debug)]
struct SdkExporter<E>(E);

impl<E: SpanExporter> Output for SdkExporter<E> {
    fn export(&mut self, spans: &[ScopedSpan<'_>]) -> OTelSdkResult {
        let spans = spans
            .iter()
            .filter_map(|(scope, span)| decode::span(scope, span))
            .collect();
        block_on(self.0.export(spans))
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
}

#[derive(Debug, Default)]
struct State {
    /// So many flushes were asked for, and so many are done.
    flushes: u64,
    flushed: u64,
    /// Until when the last spans are exported.
    end: Option<Instant>,
    has_ended: bool,
    /// What went wrong since it was last told.
    failure: Option<OTelSdkError>,
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
        let mut state = self.lock();
        state.flushes += 1;
        let ticket = state.flushes;
        self.changed.notify_all();
        while state.flushed < ticket && !state.has_ended {
            state = wait(&self.changed, state, None);
        }
        state.failure.take().map_or(Ok(()), Err)
    }

    /// Waits for the last export, and lets the thread end.
    pub(super) fn shut_down(&self, timeout: Duration) -> OTelSdkResult {
        let end = Instant::now() + timeout;
        let mut state = self.lock();
        state.end = Some(end);
        self.changed.notify_all();
        while !state.has_ended {
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(OTelSdkError::Timeout(timeout));
            }
            state = wait(&self.changed, state, Some(left));
        }
        state.failure.take().map_or(Ok(()), Err)
    }

    /// Waits until there is something to do, at most so long.
    fn wait(&self, most: Duration) -> Work {
        let until = Instant::now() + most;
        let mut state = self.lock();
        loop {
            let work = Work {
                flushes: state.flushes,
                end: state.end,
            };
            let is_asked = state.flushed < state.flushes || state.end.is_some();
            let left = until.saturating_duration_since(Instant::now());
            if self.is_woken.swap(false, Ordering::AcqRel) || is_asked || left.is_zero() {
                return work;
            }
            state = wait(&self.changed, state, Some(left));
        }
    }

    /// Says what was done.
    fn report(&self, work: &Work, failure: Option<OTelSdkError>) {
        let mut state = self.lock();
        state.flushed = work.flushes;
        state.has_ended = work.end.is_some();
        if failure.is_some() {
            state.failure = failure;
        }
        self.changed.notify_all();
    }

    /// A panic elsewhere leaves nothing half done here.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
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
    /// The flushes that this one answers.
    flushes: u64,
    /// Until when, if it is the last time.
    end: Option<Instant>,
}

/// Starts the thread. It ends after the shutdown.
pub(super) fn start(
    core: &'static Core,
    output: Box<dyn Output>,
    max_batch: usize,
    delay: Duration,
) -> std::io::Result<()> {
    let thread = thread::Builder::new().name("otel-runtime-spans".to_owned());
    thread.spawn(move || {
        // What exporters do is not traced.
        let _suppressed = Context::enter_telemetry_suppressed_scope();
        run(core, output, max_batch, delay);
    })?;
    Ok(())
}

fn run(core: &'static Core, mut output: Box<dyn Output>, max_batch: usize, delay: Duration) {
    let mut exported = Instant::now();
    loop {
        let due = delay.saturating_sub(exported.elapsed());
        let work = core.mailbox.wait(due.min(ANCHORED_EVERY));
        core.clock.anchor();
        let mut failure = export(core, &mut *output, max_batch, work.end).err();
        exported = Instant::now();
        if let Some(end) = work.end {
            let left = end.saturating_duration_since(exported);
            if let Err(error) = output.shut_down(left) {
                failure.get_or_insert(error);
            }
        }
        core.mailbox.report(&work, failure);
        if work.end.is_some() {
            return;
        }
    }
}

/// Exports all that has ended; the first failure is the one that is told.
fn export(
    core: &Core,
    output: &mut dyn Output,
    max_batch: usize,
    end: Option<Instant>,
) -> OTelSdkResult {
    let (drained, room) = core.drain();
    let mut spans = drained.iter().flat_map(Spans::iter);
    let mut result = Ok(());
    loop {
        let batch: Vec<_> = spans.by_ref().take(max_batch).collect();
        if batch.is_empty() {
            break;
        }
        if end.is_some_and(|end| Instant::now() >= end) {
            let lost = batch.len() + spans.count();
            let message = format!("there was no time left for {lost} spans");
            result = result.and(Err(OTelSdkError::InternalFailure(message)));
            break;
        }
        result = result.and(output.export(&batch));
    }
    core.quota.give_back(room);
    result
}
