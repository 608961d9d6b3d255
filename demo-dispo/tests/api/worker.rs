//! What the worker does with `cleaning.planned`.

use std::collections::HashMap;

use demo_dispo::{shutdown::Shutdown, tasks, worker};
use opentelemetry::{global, trace::FutureExt as _};
use otel_runtime::testing::{Detail, SpanRecord, tree};
use serde_json::{Value, json};

use crate::{
    database::databases,
    helpers::{Queued, TestApp, eventually, finished_of, spans_of, spawn_app, traceparent},
};

const QUEUE: &str = "cleaning.planned";

#[tokio::test]
async fn a_planned_cleaning_is_marked() {
    for kind in databases() {
        let app = spawn_app(kind).await;
        app.book(r#"{"room_id": 1, "start": "2023-02-04", "end": "2023-02-06"}"#)
            .await;
        let message = work_off(&app, &json!({"booking_id": 1, "day": "2023-02-06"})).await;
        assert_eq!(message.status, "Done");
        let booking = app.get("/api/v1/bookings/1").await.json();
        assert_eq!(booking["cleaning_planned"], true);

        let spans = spans_of(&message.trace(), is_consumer).await;
        assert_eq!(
            tree(&spans, Detail::NAMES),
            "PRODUCER send cleaning.planned\n  \
           CONSUMER process cleaning.planned\n    \
             CLIENT UPDATE bookings"
        );
    }
}

#[tokio::test]
async fn a_message_that_can_never_succeed_is_given_up_at_once() {
    for kind in databases() {
        let app = spawn_app(kind).await;
        for unusable in [
            json!({"booking_id": 99, "day": "2023-02-06"}),
            json!({"something": "else"}),
            json!([1, 2, 3]),
        ] {
            let message = work_off(&app, &unusable).await;
            assert_eq!(message.status, "Killed", "{unusable}");
            let spans = spans_of(&message.trace(), is_consumer).await;
            let consumers: Vec<_> = spans.iter().filter(|span| is_consumer(span)).collect();
            assert_eq!(consumers.len(), 1, "{unusable}");
            let status = format!("{:?}", consumers[0].status);
            assert!(status.starts_with("Error"), "{status}");
        }
    }
}

#[tokio::test]
async fn a_task_of_an_unsampled_sender_leaves_no_span() {
    for kind in databases() {
        let app = spawn_app(kind).await;
        app.book(r#"{"room_id": 1, "start": "2023-02-04", "end": "2023-02-06"}"#)
            .await;
        let headers = HashMap::from([("traceparent".to_owned(), traceparent("00"))]);
        let sender = global::get_text_map_propagator(|propagator| propagator.extract(&headers));
        let message = json!({"booking_id": 1, "day": "2023-02-06"});
        let sending = app.queue.send(QUEUE, &message).with_context(sender);
        sending.await.unwrap();
        let message = work_off_queue(&app).await;
        assert_eq!(message.status, "Done");
        assert!(headers["traceparent"].contains(&message.trace()));
        let spans = finished_of(&message.trace());
        assert!(spans.is_empty(), "{spans:#?}");
    }
}

fn is_consumer(span: &SpanRecord) -> bool {
    span.name == "process cleaning.planned"
}

/// Sends a message, lets a worker do what there is to do, and gives the message as it then is.
async fn work_off(app: &TestApp, message: &Value) -> Queued {
    app.queue.send(QUEUE, message).await.unwrap();
    work_off_queue(app).await
}

/// Lets a worker do what there is to do, and gives the last message as it then is.
async fn work_off_queue(app: &TestApp) -> Queued {
    let shutdown = Shutdown::new();
    let store = app.store.clone();
    let task = move |payload| tasks::cleaning_planned(store.clone(), payload);
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
