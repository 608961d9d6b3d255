use std::collections::HashSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, OnceLock};
use std::thread;
use std::time::{Duration, Instant};

use opentelemetry::trace::{
    Span as _, SpanId, TraceContextExt as _, Tracer as _, TracerProvider as _,
};
use opentelemetry::{Context, InstrumentationScope, KeyValue};
use opentelemetry_sdk::error::{OTelSdkError, OTelSdkResult};
use opentelemetry_sdk::trace::SpanLimits;

use super::export::{Batch, Output, Told};
use super::{Core, DELAY, Limits, MAX_BATCH, Provider, Sampling, Setup, SpanCounts, decode};
use crate::delivery::{Patience, Refused};
use crate::losses::Losses;

const PATIENCE: Duration = Duration::from_secs(20);

fn setup(max_spans: usize) -> Setup {
    Setup {
        sampling: Sampling::default(),
        limits: Limits::new(SpanLimits::default(), None),
        max_spans,
        max_batch: MAX_BATCH,
        delay: DELAY,
        journal: None,
    }
}

/// An engine without a thread that exports.
pub(super) fn core(max_spans: usize) -> &'static Core {
    Box::leak(Box::new(Core::new(setup(max_spans))))
}

fn start(max_spans: usize, output: impl Output + 'static) -> Provider {
    started(setup(max_spans), output)
}

fn started(setup: Setup, output: impl Output + 'static) -> Provider {
    let told = Told {
        output: Box::new(output),
        losses: Losses::new("span", "the test".to_owned()),
    };
    Provider::start(setup, vec![told]).expect("a thread")
}

/// Makes a span, and ends it.
fn span(provider: &Provider) -> SpanId {
    let tracer = provider.tracer("test");
    let mut span = tracer.start_with_context("span", &Context::new());
    span.end();
    span.span_context().span_id()
}

/// Keeps the ids of what is exported.
#[derive(Clone, Debug, Default)]
struct Kept(Arc<Mutex<Vec<SpanId>>>);

impl Kept {
    fn take(&self) -> Vec<SpanId> {
        std::mem::take(&mut self.0.lock().expect("no panic"))
    }
}

impl Output for Kept {
    fn export(&mut self, spans: &Batch<'_>, _: &dyn Patience) -> Result<(), Refused> {
        let mut decoded = Vec::new();
        for span in spans.spans() {
            decode::span(span, &mut decoded);
        }
        let ids = decoded.iter().map(|span| span.span_context.span_id());
        self.0.lock().expect("no panic").extend(ids);
        Ok(())
    }

    fn shut_down(&mut self, _: Duration) -> OTelSdkResult {
        Ok(())
    }
}

/// Keeps the name of each span, and the scope that it comes from.
#[derive(Clone, Debug, Default)]
struct Scopes(Arc<Mutex<Vec<(String, InstrumentationScope)>>>);

impl Output for Scopes {
    fn export(&mut self, spans: &Batch<'_>, _: &dyn Patience) -> Result<(), Refused> {
        let mut decoded = Vec::new();
        for span in spans.spans() {
            decode::span(span, &mut decoded);
        }
        let named = decoded
            .into_iter()
            .map(|span| (span.name.into_owned(), span.instrumentation_scope));
        self.0.lock().expect("no panic").extend(named);
        Ok(())
    }

    fn shut_down(&mut self, _: Duration) -> OTelSdkResult {
        Ok(())
    }
}

/// Does not answer before it is told to.
#[derive(Debug)]
struct Stuck {
    has_begun: SyncSender<usize>,
    go_on: Receiver<()>,
}

impl Output for Stuck {
    fn export(&mut self, spans: &Batch<'_>, _: &dyn Patience) -> Result<(), Refused> {
        let _ = self.has_begun.send(spans.len());
        // An error says that the test is over.
        let _ = self.go_on.recv();
        Ok(())
    }

    fn shut_down(&mut self, _: Duration) -> OTelSdkResult {
        Ok(())
    }
}

#[test]
fn what_threads_leave_behind_is_exported_once() {
    let kept = Kept::default();
    let provider = start(100_000, kept.clone());
    let made: HashSet<SpanId> = thread::scope(|scope| {
        let threads: Vec<_> = (0..8)
            .map(|_| scope.spawn(|| (0..5_000).map(|_| span(&provider)).collect::<Vec<_>>()))
            .collect();
        let ids = threads
            .into_iter()
            .flat_map(|thread| thread.join().expect("no panic"));
        ids.collect()
    });
    provider.force_flush().expect("a flush");
    let exported = kept.take();
    assert_eq!(exported.len(), 40_000);
    assert_eq!(exported.into_iter().collect::<HashSet<_>>(), made);
    assert_eq!(provider.counts().dropped, 0);
    // Their lanes are gone.
    assert_eq!(super::lock(&provider.core().lanes).len(), 0);
}

#[test]
fn an_output_that_does_not_answer_costs_no_more_than_the_bound() {
    let (has_begun, begun) = sync_channel(1);
    let (go_on, waits) = sync_channel(0);
    let provider = start(
        100,
        Stuck {
            has_begun,
            go_on: waits,
        },
    );
    for _ in 0..1_000 {
        span(&provider);
    }
    let first = begun.recv_timeout(PATIENCE).expect("an export");
    for _ in 0..1_000 {
        span(&provider);
    }
    // What is on its way out counts as well, and it is not given back yet.
    assert!(first <= 100, "{first}");
    assert_eq!(provider.counts().dropped, 2_000 - 100);
    let error = provider.shut_down(Duration::ZERO).expect_err("no time");
    assert!(error.to_string().contains("timed out"), "{error}");
    drop(go_on);
}

#[test]
fn spans_that_end_after_the_shutdown_are_not_exported() {
    let kept = Kept::default();
    let provider = start(100, kept.clone());
    let tracer = provider.tracer("test");
    let mut open = tracer.start_with_context("open", &Context::new());
    let ended = span(&provider);
    provider.shut_down(PATIENCE).expect("a shutdown");
    open.end();
    let late = tracer.start_with_context("late", &Context::new());
    assert!(!late.is_recording());
    // Who is called continues the caller's trace.
    let caller = open.span_context().clone();
    let parent = Context::new().with_remote_span_context(caller.clone());
    let within = tracer.start_with_context("within", &parent);
    assert_eq!(within.span_context().span_id(), caller.span_id());
    assert_eq!(kept.take(), [ended]);
    assert!(provider.shut_down(PATIENCE).is_err());
    provider.force_flush().expect("nothing to flush");
}

#[test]
fn a_span_that_is_dropped_has_ended() {
    let kept = Kept::default();
    let provider = start(100, kept.clone());
    let span = provider
        .tracer("test")
        .start_with_context("dropped", &Context::new());
    let id = span.span_context().span_id();
    drop(span);
    provider.force_flush().expect("a flush");
    assert_eq!(kept.take(), [id]);
}

#[cfg(feature = "tokio")]
#[test]
fn a_flush_inside_a_runtime_of_one_thread_does_not_wait_for_itself() {
    let kept = Kept::default();
    let provider = start(100, kept.clone());
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .expect("a runtime");
    let id = runtime.block_on(async {
        let id = span(&provider);
        provider.force_flush().expect("a flush");
        id
    });
    assert_eq!(kept.take(), [id]);
}

/// Panics at every second export.
#[derive(Debug, Default)]
struct Panicking {
    exports: usize,
}

impl Output for Panicking {
    fn export(&mut self, _: &Batch<'_>, _: &dyn Patience) -> Result<(), Refused> {
        self.exports += 1;
        assert!(self.exports.is_multiple_of(2), "an odd export");
        Ok(())
    }

    fn shut_down(&mut self, _: Duration) -> OTelSdkResult {
        panic!("at the end, too");
    }
}

#[test]
fn an_exporter_that_panics_loses_its_batch_and_nothing_else() {
    let provider = start(100, Panicking::default());
    for worked in [false, true, false, true] {
        span(&provider);
        assert_eq!(provider.force_flush().is_ok(), worked);
    }
    let counts = SpanCounts {
        recorded: 4,
        exported: 2,
        dropped: 0,
        refused: 2,
    };
    assert_eq!(provider.counts(), counts);
    let error = provider.shut_down(PATIENCE).expect_err("it panics");
    assert!(error.to_string().contains("the exporter panicked"));
}

#[test]
fn every_span_is_counted_while_it_waits() {
    let provider = start(100, Kept::default());
    for made in 1..=10 {
        span(&provider);
        assert_eq!(provider.counts().recorded, made);
    }
    provider.shut_down(PATIENCE).expect("an end");
    span(&provider);
    let counts = provider.counts();
    assert_eq!((counts.recorded, counts.exported), (10, 10));
}

#[test]
fn spans_of_ever_so_many_tracers_have_their_scopes() {
    let kept = Scopes::default();
    let provider = start(10_000, kept.clone());
    // More than stay for ever, and many that are alike but for one thing.
    let scopes = (0..1_200).map(|number| {
        let version = format!("{}", number % 3);
        let scope = InstrumentationScope::builder(format!("tracer {}", number / 6));
        let scope = scope
            .with_version(version)
            .with_schema_url("https://example.com");
        match number % 6 {
            0..3 => scope.build(),
            _ => scope
                .with_attributes([KeyValue::new("number", number)])
                .build(),
        }
    });
    let scopes: Vec<_> = scopes.collect();
    for _ in 0..2 {
        for (number, scope) in scopes.iter().enumerate() {
            let tracer = provider.tracer_with_scope(scope.clone());
            let name = number.to_string();
            tracer.start_with_context(name, &Context::new()).end();
            // The same one again, which most ask for.
            let again = provider.tracer_with_scope(scope.clone());
            again.start_with_context("", &Context::new()).end();
        }
    }
    provider.force_flush().expect("an export");
    let spans = kept.0.lock().expect("no panic");
    assert_eq!(spans.len(), 4 * scopes.len());
    for pair in spans.chunks(2) {
        let [(name, scope), (empty, again)] = pair else {
            unreachable!("each has two")
        };
        let number: usize = name.parse().expect("a number");
        assert_eq!(*scope, scopes[number]);
        assert_eq!((empty.as_str(), again), ("", scope));
    }
}

#[test]
fn spans_wait_as_long_as_was_said() {
    let kept = Kept::default();
    // An hour; meanwhile the thread wakes up again and again to set its clock.
    let provider = started(
        Setup {
            delay: Duration::from_hours(1),
            ..setup(100)
        },
        kept.clone(),
    );
    let id = span(&provider);
    thread::sleep(Duration::from_millis(200));
    assert_eq!(kept.take(), []);
    provider.force_flush().expect("a flush");
    assert_eq!(kept.take(), [id]);
}

/// Asks for a flush, and then for the end, while it exports.
#[derive(Debug, Default)]
struct Impatient {
    provider: Arc<OnceLock<Provider>>,
    flushed: Arc<AtomicUsize>,
}

impl Output for Impatient {
    fn export(&mut self, _: &Batch<'_>, _: &dyn Patience) -> Result<(), Refused> {
        let provider = self.provider.get().expect("it was started");
        let error = provider
            .force_flush()
            .expect_err("it would wait for itself");
        assert!(error.to_string().contains("its own exports"), "{error}");
        Ok(())
    }

    fn flush(&mut self) -> OTelSdkResult {
        self.flushed.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    fn shut_down(&mut self, timeout: Duration) -> OTelSdkResult {
        let provider = self.provider.get().expect("it was started");
        provider.core().mailbox.shut_down(timeout)
    }
}

#[test]
fn an_exporter_that_waits_for_itself_is_told_so() {
    let output = Impatient::default();
    let (started, flushed) = (Arc::clone(&output.provider), Arc::clone(&output.flushed));
    let provider = start(100, output);
    started.set(provider.clone()).expect("once");
    span(&provider);
    provider.force_flush().expect("a flush");
    let error = provider
        .shut_down(PATIENCE)
        .expect_err("it asks for the end");
    assert!(error.to_string().contains("its own exports"), "{error}");
    // The exporter's own flush is part of one that is asked for.
    assert_eq!(flushed.load(Ordering::Relaxed), 1);
}

#[test]
fn all_that_flush_at_once_are_told_what_was_lost() {
    let (has_begun, begun) = sync_channel(1);
    let (go_on, waits) = sync_channel(0);
    let stuck = Stuck {
        has_begun,
        go_on: waits,
    };
    let provider = start(100, Refusing(stuck));
    span(&provider);
    let mailbox = &provider.core().mailbox;
    mailbox.wake();
    begun.recv_timeout(PATIENCE).expect("an export");
    let results = thread::scope(|scope| {
        let flushes = [(); 2].map(|()| scope.spawn(|| provider.force_flush()));
        let end = Instant::now() + PATIENCE;
        while mailbox.lock().flushes < 2 && Instant::now() < end {
            thread::sleep(Duration::from_millis(1));
        }
        go_on.send(()).expect("it waits");
        flushes.map(|flush| flush.join().expect("no panic"))
    });
    assert!(results.iter().all(Result::is_err), "{results:?}");
    provider.force_flush().expect("nothing is lost since");
}

/// Takes nothing, when it is told to answer.
#[derive(Debug)]
struct Refusing(Stuck);

impl Output for Refusing {
    fn export(&mut self, spans: &Batch<'_>, patience: &dyn Patience) -> Result<(), Refused> {
        self.0.export(spans, patience)?;
        Err(Refused {
            count: spans.len(),
            is_final: true,
            error: OTelSdkError::InternalFailure("no".to_owned()),
        })
    }

    fn shut_down(&mut self, _: Duration) -> OTelSdkResult {
        Ok(())
    }
}
