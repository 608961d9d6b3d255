//! `/api/v1/bookings/`: what is stored and announced, and what is refused.

use otel_runtime::testing::{Detail, tree};
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::{
    database::databases,
    helpers::{Answer, TestApp, spawn_app},
};

const BOOKING: &str = r#"{"room_id": 1, "start": "2023-02-04", "end": "2023-02-06"}"#;

#[tokio::test]
async fn a_booking_is_stored_and_announced() {
    for kind in databases() {
        let app = spawn_app(kind).await;
        let answer = app.book(BOOKING).await;
        assert_eq!(answer.status, StatusCode::OK);
        assert_eq!(
            answer.text,
            r#"{"id":1,"room_id":1,"start":"2023-02-04","end":"2023-02-06","cleaning_planned":false}"#
        );
        assert_eq!(
            app.get("/api/v1/bookings/").await.json(),
            json!([answer.json()])
        );

        let queued = app.queued("booking.created");
        assert_eq!(queued.len(), 1);
        assert_eq!(
            queued[0].payload(),
            json!({"id": 1, "room": "President Suite", "start": "2023-02-04", "end": "2023-02-06"})
        );
        assert_eq!(queued[0].trace(), answer.trace);
    }
}

#[tokio::test]
async fn a_booking_leaves_one_tree() {
    for kind in databases() {
        let answer = spawn_app(kind).await.book(BOOKING).await;
        let mut spans = answer.spans().await;
        spans.retain(|span| !["BEGIN", "COMMIT"].contains(&&*span.name));
        assert_eq!(
            tree(&spans, Detail::NAMES),
            "SERVER POST /api/v1/bookings/\n  \
           INTERNAL booking.create\n    \
             CLIENT SELECT rooms\n    \
             CLIENT SELECT bookings\n    \
             CLIENT INSERT bookings\n    \
             CLIENT INSERT outbox\n    \
             PRODUCER send booking.created\n    \
             CLIENT DELETE outbox"
        );
        let create = spans
            .iter()
            .find(|span| span.name == "booking.create")
            .unwrap();
        assert_eq!(
            create.attribute("room").unwrap().to_string(),
            "President Suite"
        );
        assert_eq!(create.attribute("room.id").unwrap().to_string(), "1");
    }
}

#[tokio::test]
async fn a_booking_is_read_with_its_room() {
    for kind in databases() {
        let app = spawn_app(kind).await;
        app.book(BOOKING).await;
        let answer = app.get("/api/v1/bookings/1").await;
        assert_eq!(answer.status, StatusCode::OK);
        assert_eq!(
            answer.json(),
            json!({
                "id": 1,
                "room_id": 1,
                "start": "2023-02-04",
                "end": "2023-02-06",
                "cleaning_planned": false,
                "room": {"id": 1, "number": "1", "name": "President Suite"},
            })
        );
        assert_eq!(
            answer.tree().await,
            "SERVER GET /api/v1/bookings/{booking_id}\n  \
           INTERNAL booking.find\n    \
             CLIENT SELECT bookings\n    \
             INTERNAL booking.find_room\n      \
               CLIENT SELECT rooms"
        );
    }
}

#[tokio::test]
async fn an_unknown_booking_is_not_found() {
    for kind in databases() {
        let answer = spawn_app(kind).await.get("/api/v1/bookings/99999").await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND);
        assert_eq!(answer.text, r#"{"detail":"Booking not found."}"#);
    }
}

#[tokio::test]
async fn the_day_of_departure_is_free_for_the_next_guest() {
    for kind in databases() {
        let app = spawn_app(kind).await;
        app.book(BOOKING).await;
        for next in [
            r#"{"room_id": 1, "start": "2023-02-06", "end": "2023-02-07"}"#,
            r#"{"room_id": 1, "start": "2023-02-03", "end": "2023-02-04"}"#,
            r#"{"room_id": 2, "start": "2023-02-04", "end": "2023-02-06"}"#,
        ] {
            assert_eq!(app.book(next).await.status, StatusCode::OK, "{next}");
        }
    }
}

#[tokio::test]
async fn a_room_is_taken_once() {
    for kind in databases() {
        let app = spawn_app(kind).await;
        app.book(BOOKING).await;
        for other in [
            BOOKING,
            r#"{"room_id": 1, "start": "2023-02-05", "end": "2023-02-06"}"#,
            r#"{"room_id": 1, "start": "2023-02-01", "end": "2023-02-10"}"#,
        ] {
            let answer = app.book(other).await;
            assert_eq!(answer.status, StatusCode::CONFLICT, "{other}");
            assert_eq!(
                answer.text,
                r#"{"detail":"Room is booked from 2023-02-04 to 2023-02-06."}"#
            );
        }
        assert_eq!(stored_and_queued(&app).await, (1, 1));
    }
}

#[tokio::test]
async fn of_many_at_once_one_gets_the_room() {
    for kind in databases() {
        let app = spawn_app(kind).await;
        let (a, b, c, d) = tokio::join!(
            app.book(BOOKING),
            app.book(BOOKING),
            app.book(BOOKING),
            app.book(BOOKING)
        );
        let mut statuses = [a, b, c, d].map(|answer| answer.status.as_u16());
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 409, 409, 409]);
        assert_eq!(stored_and_queued(&app).await, (1, 1));
    }
}

#[tokio::test]
async fn an_unknown_room_is_not_booked() {
    for kind in databases() {
        let app = spawn_app(kind).await;
        let answer = app
            .book(r#"{"room_id": 999, "start": "2023-02-04", "end": "2023-02-06"}"#)
            .await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND);
        assert_eq!(answer.text, r#"{"detail":"Room not found."}"#);
        assert_eq!(stored_and_queued(&app).await, (0, 0));
    }
}

#[tokio::test]
async fn what_is_no_booking_is_refused_with_the_reason() {
    for kind in databases() {
        let app = spawn_app(kind).await;
        for (body, reason, place) in [
            ("{", "json_invalid", json!(["body", 1])),
            ("", "missing", json!(["body"])),
            ("[]", "model_attributes_type", json!(["body"])),
            (
                r#"{"room_id": 1, "start": "2023-02-04"}"#,
                "missing",
                json!(["body", "end"]),
            ),
            (
                r#"{"room_id": {}, "start": "2023-02-04", "end": "2023-02-06"}"#,
                "int_type",
                json!(["body", "room_id"]),
            ),
            (
                r#"{"room_id": 1, "start": "2023-02-04", "end": "tomorrow"}"#,
                "date_from_datetime_parsing",
                json!(["body", "end"]),
            ),
            (
                r#"{"room_id": 1, "start": "2023-02-06", "end": "2023-02-06"}"#,
                "value_error",
                json!(["body"]),
            ),
        ] {
            let answer = app.book(body).await;
            assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{body}");
            let problem = &answer.json()["detail"][0];
            assert_eq!(
                (&problem["type"], &problem["loc"]),
                (&json!(reason), &place),
                "{body}"
            );
            assert_hint(&answer, &place).await;
        }
        assert_eq!(stored_and_queued(&app).await, (0, 0));
    }
}

#[tokio::test]
async fn a_body_that_is_too_long_is_refused() {
    for kind in databases() {
        let app = spawn_app(kind).await;
        let answer = app.book(&" ".repeat(300_000)).await;
        assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE);
        assert!(answer.json()["detail"].is_string(), "{}", answer.text);
    }
}

/// The span of a refused request says where the request is wrong, and is not marked as failed.
async fn assert_hint(answer: &Answer, place: &Value) {
    let steps = place.as_array().unwrap().iter();
    let place: Vec<_> = steps
        .map(|step| {
            step.as_str()
                .map_or_else(|| step.to_string(), str::to_owned)
        })
        .collect();
    let spans = answer.spans().await;
    assert_eq!(tree(&spans, Detail::NAMES), "SERVER POST /api/v1/bookings/");
    let event = spans[0].event("request.invalid").unwrap();
    let places = event.attribute("problem.places").unwrap().to_string();
    assert!(places.contains(&place.join(".")), "{places}");
}

async fn stored_and_queued(app: &TestApp) -> (usize, usize) {
    let stored = app.get("/api/v1/bookings/").await.json();
    (
        stored.as_array().unwrap().len(),
        app.queued("booking.created").len(),
    )
}
