//! The worker on a real broker, chosen by `TEST_AMQP_URL` (for example `amqp://guest:guest@127.0.0.1:5672/%2f`).

use std::{
    collections::BTreeSet,
    io::{self, Write as _},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use demo_cleaning::{
    queue::{Queue, QueueAddress},
    shutdown::Shutdown,
    store::StoreError,
    tasks::TaskError,
    worker,
};
use lapin::{
    Channel, Connection, ConnectionProperties,
    options::{BasicGetOptions, BasicPublishOptions, QueueDeleteOptions},
    types::AMQPValue,
};
use opentelemetry::Value;
use otel_runtime::{CANCELLED, instrument::messaging::QUEUE_DURATION, testing::Spans};
use serde::Serialize;
use tokio::{
    runtime::{Builder, Runtime},
    sync::{Mutex, MutexGuard, mpsc},
    time::timeout,
};
use ulid::Ulid;

const PATIENCE: Duration = Duration::from_secs(30);

/// The spans are the process's, so the tests take turns.
static TURN: Mutex<()> = Mutex::const_new(());

#[derive(Serialize)]
struct Note {
    text: &'static str,
}

/// A queue on the broker that no other test uses.
struct Broker {
    queue: Queue,
    name: &'static str,
    url: String,
    spans: Spans,
    _turn: MutexGuard<'static, ()>,
}

impl Broker {
    async fn from_env() -> Option<Self> {
        let url = std::env::var("TEST_AMQP_URL").ok();
        let Some(url) = url.filter(|url| !url.is_empty()) else {
            // Past what the test harness captures.
            let skipped = "skipped: TEST_AMQP_URL names no broker";
            writeln!(io::stderr(), "{skipped}").expect("standard error is open");
            return None;
        };
        let turn = TURN.lock().await;
        let queue = Queue::open(&QueueAddress::parse(&url).unwrap())
            .await
            .unwrap();
        let name = format!("test.{}", Ulid::generate()).leak();
        Some(Self {
            queue,
            name,
            url,
            spans: Spans::install(),
            _turn: turn,
        })
    }

    async fn send(&self) {
        self.queue
            .send(self.name, &Note { text: "hello" })
            .await
            .unwrap();
    }

    /// A worker whose task answers as `answer` says to the nth attempt.
    fn work<A>(&self, answer: A) -> Worker
    where
        A: Fn(usize) -> Result<(), TaskError> + Clone + Send + Sync + 'static,
    {
        let shutdown = Shutdown::new();
        let (done, attempts) = mpsc::unbounded_channel();
        let count = Arc::new(AtomicUsize::new(0));
        let (queue, name, asked) = (self.queue.clone(), self.name, shutdown.clone());
        let running = thread::spawn(move || {
            let handle = move |payload: Vec<u8>| {
                assert_eq!(payload, br#"{"text":"hello"}"#);
                let attempt = count.fetch_add(1, Ordering::Relaxed) + 1;
                let answer = answer.clone();
                let done = done.clone();
                async move {
                    done.send(attempt).unwrap();
                    answer(attempt)
                }
            };
            let run = worker::run(&queue, name, &asked, handle);
            runtime().block_on(run).unwrap();
        });
        Worker {
            shutdown,
            attempts,
            running,
        }
    }

    async fn channel(&self) -> Channel {
        let connecting = Connection::connect(&self.url, ConnectionProperties::default());
        connecting.await.unwrap().create_channel().await.unwrap()
    }

    /// Writes this number of an attempt on the first message.
    async fn number_attempt(&self, number: &str) {
        let channel = self.channel().await;
        let taking = channel.basic_get(self.name.into(), BasicGetOptions { no_ack: true });
        let taken = taking.await.unwrap().unwrap().delivery;
        let mut headers = taken.properties.headers().clone().unwrap();
        headers.insert("x-attempt".into(), AMQPValue::LongString(number.into()));
        let properties = taken.properties.with_headers(headers);
        let options = BasicPublishOptions::default();
        let name = self.name.into();
        let publishing = channel.basic_publish("".into(), name, options, &taken.data, properties);
        publishing.await.unwrap().await.unwrap();
    }

    /// What was given up: the body, and why.
    async fn dead(&self) -> Option<(Vec<u8>, String)> {
        let channel = self.channel().await;
        let name = format!("{}.dead", self.name);
        let got = channel
            .basic_get(name.into(), BasicGetOptions { no_ack: true })
            .await
            .unwrap()?;
        let headers = got.delivery.properties.headers().clone().unwrap();
        let reason = match headers.inner().get("x-given-up") {
            Some(AMQPValue::LongString(reason)) => reason.to_string(),
            other => panic!("no reason: {other:?}"),
        };
        Some((got.delivery.data, reason))
    }

    /// The tree of spans, by the name of the queue.
    fn tree(&self) -> String {
        self.spans.tree().replace(self.name, "QUEUE")
    }

    async fn remove(self) {
        let channel = self.channel().await;
        let others = (1..=4).map(|n| format!("{}.retry.{n}", self.name));
        for name in others.chain([format!("{}.dead", self.name), self.name.to_owned()]) {
            channel
                .queue_delete(name.into(), QueueDeleteOptions::default())
                .await
                .unwrap();
        }
        self.queue.close().await;
    }
}

struct Worker {
    shutdown: Shutdown,
    attempts: mpsc::UnboundedReceiver<usize>,
    running: thread::JoinHandle<()>,
}

impl Worker {
    async fn wait_for(&mut self, attempt: usize) {
        let reached = async {
            while let Some(done) = self.attempts.recv().await {
                if done == attempt {
                    return;
                }
            }
            panic!("the worker has ended");
        };
        timeout(PATIENCE, reached)
            .await
            .expect("the attempt is made");
    }

    /// Ends as at a SIGTERM: what is under way is finished.
    async fn stop(self) {
        self.shutdown.request();
        let ended = tokio::task::spawn_blocking(|| self.running.join().unwrap());
        timeout(PATIENCE, ended).await.expect("it ends").unwrap();
    }
}

/// Of one thread, as the worker has its own.
fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

fn failed() -> TaskError {
    TaskError::Send(demo_cleaning::queue::SendError::Encode(
        serde_json::from_str::<u8>("x").unwrap_err(),
    ))
}

fn outage() -> TaskError {
    StoreError::from(diesel::result::Error::BrokenTransactionManager).into()
}

fn unreadable() -> TaskError {
    TaskError::Unreadable(serde_json::from_str::<u8>("x").unwrap_err())
}

#[tokio::test]
async fn a_message_is_handled_once_within_the_senders_trace() {
    let Some(broker) = Broker::from_env().await else {
        return;
    };
    broker.send().await;
    let mut worker = broker.work(|_| Ok(()));
    worker.wait_for(1).await;
    worker.stop().await;
    assert_eq!(
        broker.tree(),
        "PRODUCER send QUEUE\n  CONSUMER process QUEUE"
    );
    let spans = broker.spans.finished();
    for span in &spans {
        assert_eq!(span.attribute("messaging.system"), Some(&"rabbitmq".into()));
        assert_eq!(
            span.attribute("messaging.rabbitmq.destination.routing_key"),
            Some(&broker.name.into())
        );
        assert!(
            span.attribute("server.address").is_some() && span.attribute("server.port").is_some()
        );
    }
    assert_eq!(broker.dead().await, None);
    broker.remove().await;
}

#[tokio::test]
async fn a_task_that_fails_is_tried_again_after_a_pause() {
    let Some(broker) = Broker::from_env().await else {
        return;
    };
    broker.send().await;
    let mut worker = broker.work(|attempt| if attempt < 3 { Err(failed()) } else { Ok(()) });
    worker.wait_for(3).await;
    worker.stop().await;
    let mut attempts = broker.spans.finished();
    attempts.retain(|span| span.name.starts_with("process"));
    let ids = attempts
        .iter()
        .map(|span| span.attribute("messaging.message.id").unwrap().to_string());
    assert_eq!(ids.collect::<BTreeSet<_>>().len(), 1);
    let counts = attempts.iter().map(|span| {
        span.attribute("messaging.rabbitmq.message.delivery_count")
            .unwrap()
    });
    assert_eq!(
        counts.cloned().collect::<Vec<_>>(),
        [1, 2, 3].map(Value::I64)
    );
    // Each has waited since its own sending: the pause, at least.
    for (span, pause) in attempts.iter().zip([0.0, 0.1, 0.4]) {
        let Some(Value::F64(waited)) = span.attribute(QUEUE_DURATION) else {
            panic!("{span:?}");
        };
        assert!(*waited >= pause, "{waited} < {pause}");
    }
    assert_eq!(broker.dead().await, None);
    broker.remove().await;
}

/// As somebody may write it who counts from 0, or counts something else.
#[tokio::test]
async fn a_number_that_no_attempt_has_is_taken_for_the_first() {
    let Some(broker) = Broker::from_env().await else {
        return;
    };
    broker.send().await;
    broker.number_attempt("0").await;
    let mut worker = broker.work(|attempt| if attempt < 2 { Err(failed()) } else { Ok(()) });
    worker.wait_for(2).await;
    worker.stop().await;
    let mut attempts = broker.spans.finished();
    attempts.retain(|span| span.name.starts_with("process"));
    let counts = attempts.iter().map(|span| {
        span.attribute("messaging.rabbitmq.message.delivery_count")
            .unwrap()
    });
    assert_eq!(counts.cloned().collect::<Vec<_>>(), [1, 2].map(Value::I64));
    assert_eq!(broker.dead().await, None);
    broker.remove().await;
}

#[tokio::test]
async fn what_waits_for_the_end_of_an_outage_is_given_back_at_the_end_of_the_worker() {
    let Some(broker) = Broker::from_env().await else {
        return;
    };
    broker.send().await;
    let mut worker = broker.work(|_| Err(outage()));
    worker.wait_for(1).await;
    worker.stop().await;
    let mut worker = broker.work(|_| Ok(()));
    worker.wait_for(1).await;
    worker.stop().await;
    // Delivered twice, and never sent on.
    let tree = broker.tree();
    let kinds = tree.lines().map(|line| line.split(':').next().unwrap());
    assert_eq!(
        kinds.collect::<Vec<_>>(),
        [
            "PRODUCER send QUEUE",
            "  CONSUMER process QUEUE ERROR",
            "  CONSUMER process QUEUE"
        ]
    );
    let spans = broker.spans.finished();
    let counts = spans
        .iter()
        .filter_map(|span| span.attribute("messaging.rabbitmq.message.delivery_count"));
    assert_eq!(counts.cloned().collect::<Vec<_>>(), [1, 2].map(Value::I64));
    assert_eq!(broker.dead().await, None);
    broker.remove().await;
}

#[tokio::test]
async fn what_cannot_succeed_is_kept_among_the_dead() {
    let Some(broker) = Broker::from_env().await else {
        return;
    };
    broker.send().await;
    let mut worker = broker.work(|_| Err(unreadable()));
    worker.wait_for(1).await;
    worker.stop().await;
    let (payload, reason) = broker.dead().await.expect("it was kept");
    assert_eq!(payload, br#"{"text":"hello"}"#);
    assert!(reason.starts_with("the message cannot be read"), "{reason}");
    assert_eq!(
        broker.tree().lines().nth(1).map(|line| line
            .split(':')
            .next()
            .unwrap_or_default()
            .to_owned()),
        Some("  CONSUMER process QUEUE ERROR".to_owned())
    );
    broker.remove().await;
}

#[tokio::test]
async fn a_panic_is_a_failure_and_the_worker_goes_on() {
    let Some(broker) = Broker::from_env().await else {
        return;
    };
    broker.send().await;
    let mut worker = broker.work(|attempt| {
        if attempt == 2 {
            return Ok(());
        }
        panic!("on purpose")
    });
    worker.wait_for(2).await;
    worker.stop().await;
    assert_eq!(broker.dead().await, None);
    broker.remove().await;
}

#[tokio::test]
async fn a_worker_that_is_killed_in_the_middle_loses_nothing() {
    let Some(broker) = Broker::from_env().await else {
        return;
    };
    broker.send().await;
    let (started, mut begun) = mpsc::unbounded_channel();
    let (queue, name) = (broker.queue.clone(), broker.name);
    let killed = thread::spawn(move || {
        let runtime = runtime();
        runtime.block_on(async move {
            let shutdown = Shutdown::new();
            let handle = move |_| {
                started.send(()).unwrap();
                std::future::pending()
            };
            // Dropped with its runtime, as soon as the task has begun: nothing is said to the broker.
            tokio::select! {
                _ = worker::run(&queue, name, &shutdown, handle) => {}
                begun = begun.recv() => begun.unwrap(),
            }
        });
        drop(runtime);
    });
    tokio::task::spawn_blocking(|| killed.join().unwrap())
        .await
        .unwrap();
    let mut worker = broker.work(|_| Ok(()));
    worker.wait_for(1).await;
    worker.stop().await;
    let mut attempts = broker.spans.finished();
    attempts.retain(|span| span.name.starts_with("process"));
    let counts = attempts.iter().map(|span| {
        span.attribute("messaging.rabbitmq.message.delivery_count")
            .unwrap()
    });
    assert_eq!(counts.cloned().collect::<Vec<_>>(), [1, 2].map(Value::I64));
    let cut_off = attempts[0].attribute(CANCELLED);
    assert_eq!(cut_off, Some(&Value::Bool(true)));
    assert_eq!(broker.dead().await, None);
    broker.remove().await;
}

/// As the threads of a web server do, which end before the queue is closed.
#[tokio::test]
async fn a_connection_outlives_the_thread_that_asked_for_it() {
    let Some(broker) = Broker::from_env().await else {
        return;
    };
    let (queue, name) = (broker.queue.clone(), broker.name);
    let sending = thread::spawn(move || {
        runtime().block_on(async move {
            let note = Note { text: "hello" };
            queue.send(name, &note).await.unwrap();
        });
    });
    tokio::task::spawn_blocking(|| sending.join().unwrap())
        .await
        .unwrap();
    // Shorter than the queue waits for an answer that never comes.
    let closing = timeout(Duration::from_secs(4), broker.queue.close());
    closing.await.expect("the broker answers");
    broker.remove().await;
}

#[tokio::test]
async fn without_a_broker_sending_fails_and_its_span_ends() {
    let _turn = TURN.lock().await;
    let spans = Spans::install();
    let closed = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let url = format!("amqp://guest:secret@127.0.0.1:{closed}/%2f");
    let queue = Queue::open(&QueueAddress::parse(&url).unwrap())
        .await
        .unwrap();
    let error = queue
        .send("nowhere", &Note { text: "hello" })
        .await
        .unwrap_err()
        .to_string();
    assert!(
        error.starts_with("the message was not published: the broker failed"),
        "{error}"
    );
    assert!(!error.contains("secret"), "{error}");
    assert!(
        spans.tree().starts_with("PRODUCER send nowhere ERROR: "),
        "{}",
        spans.tree()
    );
    assert!(!spans.tree_with_attributes().contains("secret"));
}
