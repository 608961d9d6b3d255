//! The whole tree that each task leaves, from the sending on: on each database, and through a broker.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use demo_cleaning::{queue::Queue, shutdown::Shutdown, tasks, worker};
use otel_runtime::testing::SpanRecord;
use serde_json::{Value, json};
use ulid::Ulid;

use crate::{
    broker::TestBroker,
    database::{Kind, databases},
    helpers::{TestApp, spans_with, spawn_app_after},
    whole_tree,
};

const MESSAGE_ID: &str = "messaging.message.id";
const QUEUE: &str = "booking.created";
const HIDDEN: &str = "ALTER TABLE cleanings RENAME TO hidden";

/// A service, and a queue with one message for its worker.
struct Work {
    app: TestApp,
    broker: Option<TestBroker>,
    /// Where the trees stand.
    folder: &'static str,
    id: Ulid,
}

impl Work {
    /// One in a file for each kind of database, and one on the broker, where there is one.
    async fn everywhere(message: &Value) -> Vec<Self> {
        Self::everywhere_after("SELECT 1", message).await
    }

    /// The same, on databases that were changed before.
    async fn everywhere_after(change: &str, message: &Value) -> Vec<Self> {
        let mut works = Vec::new();
        for kind in databases() {
            works.push(Self::with(kind, change, None).await);
        }
        if let Some(broker) = TestBroker::from_env().await {
            works.push(Self::with(Kind::Sqlite, change, Some(broker)).await);
        }
        for work in &works {
            let payload = serde_json::to_vec(message).unwrap();
            let sending = work.queue().publish(work.queue_name(), work.id, payload);
            sending.await.unwrap();
        }
        works
    }

    async fn with(kind: Kind, change: &str, broker: Option<TestBroker>) -> Self {
        Self {
            app: spawn_app_after(kind, change).await,
            folder: broker.as_ref().map_or(kind.folder(), |_| "rabbitmq"),
            broker,
            id: Ulid::generate(),
        }
    }

    fn queue(&self) -> &Queue {
        let broker = self.broker.as_ref();
        broker.map_or(&self.app.queue, |broker| &broker.queue)
    }

    fn queue_name(&self) -> &'static str {
        self.broker.as_ref().map_or(QUEUE, |broker| broker.name)
    }

    /// Takes the headers off the message, as if somebody had sent it who knows nothing of traces.
    async fn strip(&self) {
        match &self.broker {
            Some(broker) => broker.strip().await,
            None => self.app.change_queue("UPDATE Jobs SET metadata = '{}'"),
        }
    }

    /// Lets a worker do the task until it is done or given up, and compares what that leaves.
    async fn check(self, name: &str) {
        self.check_with(name, |_| {}).await;
    }

    /// The same, with something that happens before each attempt, which is counted from 1.
    async fn check_with<B>(self, name: &str, before: B)
    where
        B: Fn(usize) + Clone + Send + Sync + 'static,
    {
        let attempts = Arc::new(AtomicUsize::new(0));
        // The answer goes into the file in any case: what is on the broker is everybody's.
        let (store, answers) = (self.app.store.clone(), self.app.queue.clone());
        let task = move |payload| {
            let attempt = attempts.fetch_add(1, Ordering::Relaxed) + 1;
            let before = before.clone();
            let task = tasks::booking_created(store.clone(), answers.clone(), payload);
            async move {
                before(attempt);
                task.await
            }
        };
        let shutdown = Shutdown::new();
        let id = self.id.to_string();
        let end_of_task = async {
            spans_with(MESSAGE_ID, &id, ends_the_task).await;
            shutdown.request();
        };
        let working = worker::run(self.queue(), self.queue_name(), &shutdown, task);
        let (outcome, ()) = tokio::join!(working, end_of_task);
        outcome.unwrap();
        let spans = spans_with(MESSAGE_ID, &id, ends_the_task).await;
        let found = whole_tree::text(&spans).replace(self.queue_name(), QUEUE);
        whole_tree::check(self.folder, name, &found);
        if let Some(broker) = self.broker {
            broker.remove().await;
        }
    }
}

/// Whether nothing is tried after this span.
fn ends_the_task(span: &SpanRecord) -> bool {
    let is_attempt = span.name.starts_with("process ");
    let failed = span.attribute("error.type").is_some();
    is_attempt && (!failed || span.event("message.given_up").is_some())
}

#[tokio::test]
async fn tree_of_a_task() {
    for work in Work::everywhere(&booking()).await {
        work.check("a_task").await;
    }
}

#[tokio::test]
async fn tree_of_a_task_that_fails_and_is_retried() {
    for work in Work::everywhere_after(HIDDEN, &booking()).await {
        let database = Arc::clone(&work.app.database);
        work.check_with("a_task_that_fails_and_is_retried", move |attempt| {
            if attempt == 3 {
                database.change("ALTER TABLE hidden RENAME TO cleanings");
            }
        })
        .await;
    }
}

#[tokio::test]
async fn tree_of_a_task_that_is_given_up() {
    for work in Work::everywhere_after(HIDDEN, &booking()).await {
        work.check("a_task_that_is_given_up").await;
    }
}

#[tokio::test]
async fn tree_of_a_task_that_panics() {
    for work in Work::everywhere(&booking()).await {
        work.check_with("a_task_that_panics", |attempt| {
            assert!(attempt > 1, "not like this");
        })
        .await;
    }
}

#[tokio::test]
async fn tree_of_an_unknown_task() {
    let message = json!({"task": "rooms.paint", "args": [1]});
    for work in Work::everywhere(&message).await {
        work.check("an_unknown_task").await;
    }
}

#[tokio::test]
async fn tree_of_a_malformed_message() {
    for work in Work::everywhere(&json!([1, 2, 3])).await {
        work.check("a_malformed_message").await;
    }
}

#[tokio::test]
async fn tree_of_a_message_without_a_trace() {
    for work in Work::everywhere(&booking()).await {
        work.strip().await;
        work.check("a_message_without_a_trace").await;
    }
}

fn booking() -> Value {
    json!({"id": 7, "room": "President Suite", "start": "2023-02-04", "end": "2023-02-06"})
}
