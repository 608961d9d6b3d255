//! What the worker does with `booking.created`.

use demo_cleaning::{shutdown::Shutdown, tasks, worker};
use otel_runtime::testing::{Detail, SpanRecord, tree};
use serde_json::{Value, json};

use crate::{
    database::{Kind, databases},
    helpers::{Queued, TestApp, eventually, spans_of, spawn_app},
};

const QUEUE: &str = "booking.created";

#[tokio::test]
async fn a_cleaning_is_planned_for_the_last_day() {
    for kind in databases() {
        let app = spawn_app(kind).await;
        let message = work_off(&app, &booking()).await;
        assert_eq!(message.status, "Done");
        assert_eq!(
            app.get("/api/v1/cleanings/").await.json(),
            json!([{"id": 1, "booking_id": 7, "room": "President Suite", "day": "2023-02-06"}])
        );

        let answers = app.queued("cleaning.planned");
        assert_eq!(answers.len(), 1);
        assert_eq!(
            answers[0].payload(),
            json!({"booking_id": 7, "room": "President Suite", "day": "2023-02-06"})
        );
        assert_eq!(answers[0].trace(), message.trace());
    }
}

#[tokio::test]
async fn a_planned_cleaning_leaves_one_tree() {
    for kind in databases() {
        let app = spawn_app(kind).await;
        let message = work_off(&app, &booking()).await;
        let spans = spans_of(&message.trace(), is_consumer).await;
        assert_eq!(
            tree(&spans, Detail::NAMES),
            "PRODUCER send booking.created\n  \
           CONSUMER process booking.created\n    \
             INTERNAL cleaning.plan\n      \
               CLIENT INSERT cleanings\n    \
             PRODUCER send cleaning.planned"
        );
        let consumer = spans.iter().find(|span| is_consumer(span)).unwrap();
        assert_eq!(
            consumer.attribute("room").unwrap().to_string(),
            "President Suite"
        );
        let received = consumer.event("message.received").unwrap();
        let payload = received.attribute("payload").unwrap().to_string();
        assert_eq!(serde_json::from_str::<Value>(&payload).unwrap(), booking());
    }
}

#[tokio::test]
async fn a_message_that_comes_twice_makes_one_cleaning() {
    for kind in databases() {
        let app = spawn_app(kind).await;
        for _ in 0..2 {
            assert_eq!(work_off(&app, &booking()).await.status, "Done");
        }
        let cleanings = app.get("/api/v1/cleanings/").await.json();
        assert_eq!(cleanings.as_array().unwrap().len(), 1, "{cleanings}");
        assert_eq!(app.queued("cleaning.planned").len(), 2);
    }
}

#[tokio::test]
async fn a_message_that_cannot_be_read_is_given_up_at_once() {
    for kind in databases() {
        let app = spawn_app(kind).await;
        for unusable in [json!({"id": 7}), json!([1, 2, 3]), json!("text")] {
            let message = work_off(&app, &unusable).await;
            assert_eq!(message.status, "Killed", "{unusable}");
            assert_eq!(failed_attempts(&message).await, 1, "{unusable}");
        }
        assert_eq!(app.get("/api/v1/cleanings/").await.json(), json!([]));
        assert_eq!(app.queued("cleaning.planned").len(), 0);
    }
}

#[tokio::test]
async fn a_failing_task_is_tried_five_times() {
    for kind in databases() {
        let app = spawn_app(kind).await;
        app.database
            .change("ALTER TABLE cleanings RENAME TO hidden");
        let message = work_off(&app, &booking()).await;
        assert_eq!(message.status, "Failed");
        assert_eq!(failed_attempts(&message).await, 5);
    }
}

#[tokio::test]
async fn what_was_done_long_ago_is_forgotten() {
    let app = spawn_app(Kind::Sqlite).await;
    work_off(&app, &booking()).await;
    app.change_queue("UPDATE Jobs SET done_at = done_at - 90000");
    work_off(&app, &booking()).await;
    let shutdown = Shutdown::new();
    let working = worker::run(&app.queue, QUEUE, &shutdown, async |_| Ok(()));
    let forgotten = async {
        let is_one = || (app.queued(QUEUE).len() == 1).then_some(());
        eventually("the end of what is old", is_one).await;
        shutdown.request();
    };
    let (outcome, ()) = tokio::join!(working, forgotten);
    outcome.unwrap();
}

fn booking() -> Value {
    json!({"id": 7, "room": "President Suite", "start": "2023-02-04", "end": "2023-02-06"})
}

fn is_consumer(span: &SpanRecord) -> bool {
    span.name == "process booking.created"
}

/// How many consumer spans the message has; all must be marked as failed.
async fn failed_attempts(message: &Queued) -> usize {
    let spans = spans_of(&message.trace(), is_consumer).await;
    let consumers: Vec<_> = spans.iter().filter(|span| is_consumer(span)).collect();
    for consumer in &consumers {
        let status = format!("{:?}", consumer.status);
        assert!(status.starts_with("Error"), "{status}");
    }
    consumers.len()
}

/// Sends a message, lets a worker do what there is to do, and gives the message as it then is.
async fn work_off(app: &TestApp, message: &Value) -> Queued {
    app.queue.send(QUEUE, message).await.unwrap();
    let shutdown = Shutdown::new();
    let (store, queue) = (app.store.clone(), app.queue.clone());
    let task = move |payload| tasks::booking_created(store.clone(), queue.clone(), payload);
    let end_of_task = async {
        let message = eventually("the end of the task", || {
            let ended = |message: &Queued| ["Done", "Failed", "Killed"].contains(&&*message.status);
            app.queued(QUEUE).pop().filter(ended)
        })
        .await;
        shutdown.request();
        message
    };
    let (outcome, message) =
        tokio::join!(worker::run(&app.queue, QUEUE, &shutdown, task), end_of_task);
    outcome.unwrap();
    message
}
