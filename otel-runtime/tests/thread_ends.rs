//! What is annotated may be called by the destructors of thread-locals, when OpenTelemetry's own is gone.

use std::cell::RefCell;
use std::collections::HashMap;
use std::convert::Infallible;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{self, Poll};

use diesel::r2d2::{ConnectionManager, Pool};
use diesel::{Connection as _, RunQueryDsl as _, SqliteConnection};
use otel_runtime::instrument::diesel::{QuerySpans, TracedPool};
use otel_runtime::instrument::messaging::{Batch, Message};
use otel_runtime::testing::Spans;
use otel_runtime::{set_span_rules, traced_span};

#[traced_span]
fn leaf() {}

#[traced_span]
async fn later() {
    #[traced_span("part")]
    {
        std::future::ready(()).await;
    }
}

/// What is instrumented does its work, whether it makes spans or not.
fn instrumented() {
    log::info!("a line");
    let message = || Message::new("rabbitmq", "booking.created");
    let sent = message().send_blocking(HashMap::new(), Ok::<_, Infallible>);
    let sent = sent.unwrap_or_else(|error| match error {});
    let received = message().process_blocking(&sent, || Ok::<_, Infallible>(7));
    assert_eq!(received, Ok(7));
    let batch = Batch::new("rabbitmq", "booking.created");
    let sent = batch.send_blocking(vec![sent], |sent| Ok::<_, Infallible>(sent.len()));
    assert_eq!(sent, Ok(1));
    let mut connection = SqliteConnection::establish(":memory:").expect("a database");
    connection.set_instrumentation(QuerySpans::new());
    let counted = diesel::sql_query("SELECT 2").execute(&mut connection);
    assert!(counted.is_ok());
    let manager = ConnectionManager::<SqliteConnection>::new(":memory:");
    let pool = Pool::builder().max_size(1).build_unchecked(manager);
    let pool = TracedPool::for_url(pool, ":memory:");
    assert!(pool.get().is_ok());
}

/// Counts the lines.
struct Lines;

static COUNT: AtomicUsize = AtomicUsize::new(0);

impl log::Log for Lines {
    fn enabled(&self, _: &log::Metadata<'_>) -> bool {
        true
    }

    fn log(&self, _: &log::Record<'_>) {
        COUNT.fetch_add(1, Ordering::Relaxed);
    }

    fn flush(&self) {}
}

struct Late;

impl Drop for Late {
    fn drop(&mut self) {
        leaf();
        let mut future = std::pin::pin!(later());
        let waker = std::task::Waker::noop();
        let poll = future
            .as_mut()
            .poll(&mut std::task::Context::from_waker(waker));
        assert!(poll.is_ready());
        let carried = otel_runtime::context::carry(|| 7);
        assert_eq!(carried(), 7);
        instrumented();
    }
}

thread_local! {
    static LATE: Late = const { Late };
}

#[test]
fn a_call_while_thread_locals_are_destroyed_does_what_it_should() {
    let spans = Spans::install();
    otel_runtime::instrument::log::init(Lines, log::LevelFilter::Info).expect("the first logger");
    std::thread::spawn(|| {
        // Touched first, so that it is destroyed after OpenTelemetry's.
        LATE.with(|_| ());
        leaf();
    })
    .join()
    .expect("the thread ends well");
    // Whether there is a span of what is called then is not demanded.
    assert!(spans.tree().starts_with("INTERNAL leaf"));
    assert_eq!(COUNT.load(Ordering::Relaxed), 1);

    // One test, as provider and rules are the process's.
    spans.clear();
    hold_a_future();
    let tree = spans.tree();
    assert_eq!(tree, "INTERNAL leaf\nINTERNAL never_ready\n  INTERNAL part");
}

#[traced_span]
async fn never_ready() {
    #[traced_span("part")]
    {
        std::future::pending::<()>().await;
    }
}

type Held = Pin<Box<dyn Future<Output = ()>>>;

thread_local! {
    static HELD: RefCell<Option<Held>> = const { RefCell::new(None) };
}

fn poll(future: Pin<&mut impl Future<Output = ()>>) -> Poll<()> {
    future.poll(&mut task::Context::from_waker(task::Waker::noop()))
}

/// Lets a thread end that holds a future.
fn hold_a_future() {
    std::thread::spawn(|| {
        // What futures with parts keep for a thread is there before OpenTelemetry's, and so after it.
        set_span_rules("*=off".parse().expect("rules"));
        assert!(poll(pin!(later())).is_ready());
        HELD.with(|_| ());
        set_span_rules("*=on".parse().expect("rules"));
        leaf();
        let mut future = Box::pin(never_ready());
        assert!(poll(future.as_mut()).is_pending());
        HELD.set(Some(future));
    })
    .join()
    .expect("the thread ends well");
}
