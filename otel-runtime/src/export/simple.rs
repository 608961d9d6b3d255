//! Exports each span when it ends, on the thread that ends it.

use std::cell::Cell;
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{self, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

use opentelemetry::Context;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::{OTelSdkError, OTelSdkResult};
use opentelemetry_sdk::trace::{Span, SpanData, SpanExporter, SpanProcessor};

use self::turn::Turn;
use crate::delivery::{UNLIMITED, no_panic};
use crate::losses::Losses;

mod turn;

/// Does as the SDK's simple processor, which panics where the thread runs an executor of the `futures` crate, and says
/// nothing of what is lost.
#[derive(Debug)]
pub(crate) struct Simple<E> {
    exporter: E,
    /// `None` where threads may call the exporter at the same time.
    turn: Option<Turn>,
    losses: Losses,
    is_shut_down: AtomicBool,
}

impl<E> Simple<E> {
    /// One thread at a time calls the exporter. `target` is where spans go, for messages.
    pub(crate) fn new(exporter: E, target: &str) -> Self {
        Self {
            turn: Some(Turn::default()),
            ..Self::shared(exporter, target)
        }
    }

    /// Threads call the exporter at the same time.
    pub(crate) fn shared(exporter: E, target: &str) -> Self {
        Self {
            exporter,
            turn: None,
            losses: Losses::new("span", target.to_owned()),
            is_shut_down: AtomicBool::new(false),
        }
    }

    /// Calls the exporter when it is this thread's turn, if that comes in time. A panic in it is an error.
    fn call(
        &self,
        _: &Exporting,
        timeout: Duration,
        work: impl FnOnce(&E) -> OTelSdkResult,
    ) -> OTelSdkResult {
        let turn = self.turn.as_ref().map(|turn| turn.take(timeout));
        if let Some(None) = turn {
            return Err(OTelSdkError::Timeout(timeout));
        }
        no_panic(|| work(&self.exporter)).unwrap_or_else(Err)
    }
}

impl<E: SpanExporter> SpanProcessor for Simple<E> {
    fn on_start(&self, _: &mut Span, _: &Context) {}

    fn on_end(&self, span: SpanData) {
        if !span.span_context.is_sampled() || self.is_shut_down.load(Ordering::Relaxed) {
            return;
        }
        let Some(exporting) = Exporting::begin() else {
            return;
        };
        // A panic must not end the work of the application, nor meet a panic of the application's.
        let exported = self.call(&exporting, UNLIMITED, |exporter| {
            wait(exporter.export(vec![span]))
        });
        match exported {
            Ok(()) => self.losses.none(),
            Err(error) => self.losses.some(1, &error),
        }
    }

    fn force_flush(&self) -> OTelSdkResult {
        let exporting = Exporting::begin().ok_or_else(waits_for_itself)?;
        let flushed = self.call(&exporting, UNLIMITED, E::force_flush);
        flushed.and(self.losses.told())
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.is_shut_down.store(true, Ordering::Relaxed);
        let exporting = Exporting::begin().ok_or_else(waits_for_itself)?;
        let begun = Instant::now();
        let shut_down = self.call(&exporting, timeout, |exporter| {
            exporter.shutdown_with_timeout(timeout.saturating_sub(begun.elapsed()))
        });
        shut_down.and(self.losses.told())
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.exporter.set_resource(resource);
    }
}

fn waits_for_itself() -> OTelSdkError {
    let message = "the exporter cannot wait for itself: it asked for this while it was called";
    OTelSdkError::InternalFailure(message.to_owned())
}

thread_local! {
    static IS_EXPORTING: Cell<bool> = const { Cell::new(false) };
}

/// Whether this thread calls an exporter.
#[cfg(feature = "logs")]
pub(crate) fn is_exporting() -> bool {
    IS_EXPORTING.try_with(Cell::get) == Ok(true)
}

/// The time in which this thread calls an exporter. What the exporter does meanwhile is not traced: a span of its own would wait
/// for the exporter that makes it. It cannot be suppressed, as a span may end while the current context is borrowed.
struct Exporting;

impl Exporting {
    /// `None` where that is so already.
    fn begin() -> Option<Self> {
        let is_nested = IS_EXPORTING.try_with(|exporting| exporting.replace(true));
        // Not `then_some`, whose value would be dropped, and with it the flag.
        (is_nested != Ok(true)).then(|| Self)
    }
}

impl Drop for Exporting {
    fn drop(&mut self) {
        let _ = IS_EXPORTING.try_with(|exporting| exporting.set(false));
    }
}

/// Runs a future on this thread, whatever else runs on it.
fn wait<T>(future: impl Future<Output = T>) -> T {
    struct Unpark(Thread);

    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }

    let mut future = pin!(future);
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut task = task::Context::from_waker(&waker);
    loop {
        match future.as_mut().poll(&mut task) {
            Poll::Ready(output) => return output,
            // What else unparks the thread does no harm.
            Poll::Pending => thread::park(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;
    use std::sync::{Mutex, OnceLock, mpsc};

    use opentelemetry::trace::{Span as _, Tracer as _, TracerProvider as _};
    use opentelemetry_sdk::trace::SdkTracerProvider;

    use super::*;

    const PATIENCE: Duration = Duration::from_secs(20);

    /// A processor that the test asks as well.
    #[derive(Debug)]
    struct Shared<E>(Arc<Simple<E>>);

    impl<E: SpanExporter> SpanProcessor for Shared<E> {
        fn on_start(&self, _: &mut Span, _: &Context) {}

        fn on_end(&self, span: SpanData) {
            self.0.on_end(span);
        }

        fn force_flush(&self) -> OTelSdkResult {
            self.0.force_flush()
        }

        fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
            self.0.shutdown_with_timeout(timeout)
        }
    }

    #[test]
    fn what_is_woken_from_another_thread_goes_on() {
        let (to, from) = mpsc::channel::<Waker>();
        let other = thread::spawn(move || from.recv().expect("a waker").wake());
        let mut polls = 0;
        let answer = wait(std::future::poll_fn(|task| {
            polls += 1;
            if polls == 1 {
                to.send(task.waker().clone()).expect("the other waits");
                return Poll::Pending;
            }
            Poll::Ready(7)
        }));
        other.join().expect("no panic");
        assert_eq!((answer, polls), (7, 2));
    }

    #[test]
    fn what_an_exporter_does_is_not_traced() {
        /// Makes a span of each export, and counts those.
        #[derive(Clone, Debug, Default)]
        struct Nosy(Arc<OnceLock<SdkTracerProvider>>, Arc<AtomicUsize>);

        impl SpanExporter for Nosy {
            async fn export(&self, spans: Vec<SpanData>) -> OTelSdkResult {
                self.1.fetch_add(spans.len(), Ordering::Relaxed);
                let provider = self.0.get().expect("a provider");
                for _ in 0..2 {
                    provider.tracer("test").start("exported").end();
                }
                Ok(())
            }
        }

        let exporter = Nosy::default();
        let simple = Simple::new(exporter.clone(), "nowhere");
        let provider = SdkTracerProvider::builder().with_span_processor(simple);
        let provider = exporter.0.get_or_init(|| provider.build());
        for _ in 0..2 {
            provider.tracer("test").start("span").end();
        }
        assert_eq!(exporter.1.load(Ordering::Relaxed), 2);
    }

    #[test]
    fn who_flushes_or_shuts_down_is_told_of_losses() {
        #[derive(Debug)]
        struct Full;

        impl SpanExporter for Full {
            async fn export(&self, _: Vec<SpanData>) -> OTelSdkResult {
                Err(OTelSdkError::InternalFailure("full".to_owned()))
            }
        }

        let simple = Simple::new(Full, "nowhere");
        let provider = SdkTracerProvider::builder().with_span_processor(simple);
        let provider = provider.build();
        provider.force_flush().expect("nothing is lost");
        provider.tracer("test").start("span").end();
        let told = provider.force_flush().expect_err("a span is lost");
        assert!(told.to_string().contains("1 span lost"), "{told}");
        provider.tracer("test").start("span").end();
        let told = provider.shutdown().expect_err("another is lost");
        assert!(told.to_string().contains("1 span lost"), "{told}");
    }

    #[test]
    fn an_exporter_is_not_waited_for_longer_than_it_is_said() {
        /// Waits with each export until it is told to go on.
        #[derive(Debug)]
        struct Stuck(mpsc::SyncSender<()>, Mutex<mpsc::Receiver<()>>);

        impl SpanExporter for Stuck {
            async fn export(&self, _: Vec<SpanData>) -> OTelSdkResult {
                self.0.send(()).expect("the test waits");
                let _ = self.1.lock().expect("no panic").recv_timeout(PATIENCE);
                Ok(())
            }
        }

        let (begins, has_begun) = mpsc::sync_channel(1);
        let (go_on, goes_on) = mpsc::channel();
        let simple = Simple::new(Stuck(begins, Mutex::new(goes_on)), "nowhere");
        let provider = SdkTracerProvider::builder().with_span_processor(simple);
        let provider = provider.build();
        let tracer = provider.tracer("test");
        let ends = thread::spawn(move || tracer.start("span").end());
        has_begun.recv_timeout(PATIENCE).expect("an export");
        let begun = Instant::now();
        let told = provider.shutdown_with_timeout(Duration::from_millis(10));
        assert!(told.is_err(), "{told:?}");
        assert!(begun.elapsed() < PATIENCE / 2, "{:?}", begun.elapsed());
        go_on.send(()).expect("it waits");
        ends.join().expect("no panic");
    }

    #[test]
    fn an_exporter_that_waits_for_itself_is_told_so() {
        /// Flushes while it exports.
        #[derive(Clone, Debug)]
        struct Hasty(
            Arc<OnceLock<SdkTracerProvider>>,
            mpsc::Sender<OTelSdkResult>,
        );

        impl SpanExporter for Hasty {
            async fn export(&self, _: Vec<SpanData>) -> OTelSdkResult {
                let provider = self.0.get().expect("a provider");
                self.1.send(provider.force_flush()).expect("the test waits");
                Ok(())
            }
        }

        let (answers, answer) = mpsc::channel();
        let exporter = Hasty(Arc::default(), answers);
        let simple = Simple::new(exporter.clone(), "nowhere");
        let provider = SdkTracerProvider::builder().with_span_processor(simple);
        let provider = exporter.0.get_or_init(|| provider.build());
        let tracer = provider.tracer("test");
        let ends = thread::spawn(move || tracer.start("span").end());
        let told = answer.recv_timeout(PATIENCE).expect("an answer");
        let told = told.expect_err("it cannot be").to_string();
        assert!(told.contains("cannot wait for itself"), "{told}");
        ends.join().expect("no panic");
        provider.force_flush().expect("nothing is lost");
    }

    #[test]
    fn an_exporter_that_panics_loses_spans_and_nothing_else() {
        #[derive(Debug)]
        struct Broken;

        impl SpanExporter for Broken {
            async fn export(&self, _: Vec<SpanData>) -> OTelSdkResult {
                panic!("of the exporter");
            }

            fn force_flush(&self) -> OTelSdkResult {
                panic!("of the exporter");
            }

            fn shutdown_with_timeout(&self, _: Duration) -> OTelSdkResult {
                panic!("of the exporter");
            }
        }

        let simple = Arc::new(Simple::new(Broken, "nowhere"));
        let provider = SdkTracerProvider::builder().with_span_processor(Shared(simple.clone()));
        let provider = provider.build();
        let tracer = provider.tracer("test");
        tracer.start("span").end();
        let unwound = thread::spawn(move || {
            let _span = tracer.start("span");
            // Where a second panic got out, the process would end.
            panic!("of the application");
        });
        assert!(unwound.join().is_err());
        let told = simple.losses.told().expect_err("spans are lost");
        assert!(told.to_string().contains("2 spans lost"), "{told}");
        for told in [simple.force_flush(), simple.shutdown()] {
            let told = told.expect_err("the exporter panics");
            assert!(told.to_string().contains("the exporter panicked"), "{told}");
        }
    }

    #[test]
    fn an_executor_around_does_not_matter() {
        let answer = futures_executor::block_on(async { wait(async { 7 }) });
        assert_eq!(answer, 7);
    }
}
