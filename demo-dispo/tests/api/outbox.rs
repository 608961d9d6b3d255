//! A booking and its announcement: neither is there without the other, whatever breaks.

use std::{
    future::poll_fn,
    pin::pin,
    task::Poll,
    time::{Duration, SystemTime},
};

use demo_dispo::{
    domain::{BookingDraft, Period},
    outbox::{self, RelayError, send_left_over},
    queue::{Queue, QueueAddress},
    shutdown::Shutdown,
    store::bookings,
};
use reqwest::StatusCode;
use serde_json::json;
use tokio::net::TcpListener;
use ulid::Ulid;

use crate::{
    database::databases,
    helpers::{TestApp, spans_of, spawn_app},
};

const BOOKING: &str = r#"{"room_id": 1, "start": "2023-02-04", "end": "2023-02-06"}"#;
const SEND: &str = "send booking.created";

#[tokio::test]
async fn a_booking_is_announced_later_when_the_queue_is_down() {
    for kind in databases() {
        let app = spawn_app(kind).await;
        app.change_queue("ALTER TABLE Jobs RENAME TO hidden");
        let answer = app.book(BOOKING).await;
        assert_eq!(answer.status, StatusCode::OK);
        let tree = answer.tree().await;
        assert!(tree.contains("INTERNAL booking.create\n"), "{tree}");
        assert!(
            tree.contains("PRODUCER send booking.created ERROR"),
            "{tree}"
        );
        assert!(matches!(relay(&app).await, Err(RelayError::Send(_))));

        app.change_queue("ALTER TABLE hidden RENAME TO Jobs");
        assert_eq!(relay(&app).await.unwrap(), 1);
        let queued = app.queued("booking.created");
        assert_eq!(queued.len(), 1);
        assert_eq!(queued[0].payload()["id"], 1);
        assert_eq!(queued[0].trace(), answer.trace);

        // The three attempts belong to the request, and are about one message.
        let trace = spans_of(&answer.trace, |_| true).await;
        let create = trace.iter().find(|span| span.name == "booking.create");
        let create = create.unwrap().span_id;
        let attempts: Vec<_> = trace.iter().filter(|span| span.name == SEND).collect();
        assert_eq!(attempts.len(), 3);
        for attempt in &attempts {
            assert_eq!(attempt.parent_span_id, Some(create));
            let id = |key| attempt.attribute(key).map(ToString::to_string);
            assert_eq!(
                id("messaging.message.id"),
                attempts[0]
                    .attribute("messaging.message.id")
                    .map(ToString::to_string)
            );
        }

        assert_eq!(relay(&app).await.unwrap(), 0);
        assert_eq!(app.queued("booking.created").len(), 1);
    }
}

#[tokio::test]
async fn a_message_that_the_queue_refuses_does_not_hold_up_the_others() {
    for kind in databases() {
        let app = spawn_app(kind).await;
        app.change_queue("ALTER TABLE Jobs RENAME TO hidden");
        for month in 2..=8 {
            let body = json!({
                "room_id": 1,
                "start": format!("2023-{month:02}-04"),
                "end": format!("2023-{month:02}-06"),
            });
            assert_eq!(app.book(&body.to_string()).await.status, StatusCode::OK);
        }
        app.change_queue("ALTER TABLE hidden RENAME TO Jobs");
        app.change_queue(
            "CREATE TRIGGER refuse BEFORE INSERT ON Jobs WHEN instr(NEW.job, '2023-03-04') > 0
            BEGIN SELECT RAISE(ABORT, 'this one not'); END",
        );
        assert!(matches!(relay(&app).await, Err(RelayError::Send(_))));
        assert_eq!(app.queued("booking.created").len(), 6);

        app.change_queue("DROP TRIGGER refuse");
        assert_eq!(relay(&app).await.unwrap(), 1);
        assert_eq!(app.queued("booking.created").len(), 7);
    }
}

/// As when the process is killed between the two.
#[tokio::test]
async fn a_booking_that_is_only_stored_is_announced_later() {
    for kind in databases() {
        let app = spawn_app(kind).await;
        let draft = BookingDraft {
            room_id: 2,
            period: Period::new("2023-02-04".parse().unwrap(), "2023-02-06".parse().unwrap())
                .unwrap(),
        };
        let (_, announcement) = app
            .store
            .run(|connection| bookings::insert(connection, &draft))
            .unwrap();
        // Whoever stored it may be sending it right now.
        let sent = send_left_over(&app.store, &app.queue, HOUR).await;
        assert_eq!(sent.unwrap(), 0);

        assert_eq!(relay(&app).await.unwrap(), 1);
        let queued = app.queued("booking.created");
        assert_eq!(queued.len(), 1);
        assert_eq!(
            queued[0].payload(),
            json!({"id": 1, "room": "Garden Room", "start": "2023-02-04", "end": "2023-02-06"})
        );
        assert_eq!(queued[0].id, announcement.id.to_string());
    }
}

/// As when the process is killed after it sent the message, and before it forgot it.
#[tokio::test]
async fn an_announcement_that_is_in_the_queue_already_is_forgotten() {
    for kind in databases() {
        let app = spawn_app(kind).await;
        app.book(BOOKING).await;
        let id = &app.queued("booking.created")[0].id;
        app.database.change(&format!(
            "INSERT INTO outbox VALUES ('{id}', '{{}}', '{{}}')"
        ));

        assert_eq!(relay(&app).await.unwrap(), 1);
        assert_eq!(app.queued("booking.created").len(), 1);
        assert_eq!(relay(&app).await.unwrap(), 0);
    }
}

/// The broker takes the connection and says nothing.
#[tokio::test]
async fn the_end_does_not_wait_for_a_broker_that_the_relay_waits_for() {
    for kind in databases() {
        let app = spawn_app(kind).await;
        let old = Ulid::from_datetime(SystemTime::now() - HOUR);
        app.database.change(&format!(
            "INSERT INTO outbox VALUES ('{old}', '{{}}', '{{}}')"
        ));
        let broker = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("amqp://{}/%2f", broker.local_addr().unwrap());
        let queue = Queue::open(&QueueAddress::parse(&url).unwrap()).await;
        let (queue, shutdown) = (queue.unwrap(), Shutdown::new());
        let mut relaying = pin!(outbox::relay(&app.store, &queue, &shutdown));
        let asked = tokio::select! {
            () = &mut relaying => panic!("nobody asked it to end"),
            asked = broker.accept() => asked.unwrap(),
        };

        shutdown.request();
        let now = poll_fn(|context| Poll::Ready(relaying.as_mut().poll(context))).await;
        assert!(now.is_ready());
        drop(asked);
        // What it could not send is sent by the next.
        assert_eq!(relay(&app).await.unwrap(), 1);
        assert_eq!(app.queued("booking.created")[0].id, old.to_string());
    }
}

#[tokio::test]
async fn a_booking_that_cannot_be_announced_at_all_is_not_stored() {
    for kind in databases() {
        let app = spawn_app(kind).await;
        app.database.change("ALTER TABLE outbox RENAME TO hidden");
        let answer = app.book(BOOKING).await;
        assert_eq!(answer.status, StatusCode::INTERNAL_SERVER_ERROR);
        assert_eq!(app.get("/api/v1/bookings/").await.json(), json!([]));
        assert_eq!(app.queued("booking.created").len(), 0);
    }
}

#[tokio::test]
async fn an_announcement_that_is_sent_leaves_nothing_behind() {
    for kind in databases() {
        let app = spawn_app(kind).await;
        app.book(BOOKING).await;
        assert_eq!(relay(&app).await.unwrap(), 0);
        assert_eq!(app.queued("booking.created").len(), 1);
    }
}

const HOUR: Duration = Duration::from_hours(1);

/// Sends what is left over, however new.
async fn relay(app: &TestApp) -> Result<usize, RelayError> {
    send_left_over(&app.store, &app.queue, Duration::ZERO).await
}
