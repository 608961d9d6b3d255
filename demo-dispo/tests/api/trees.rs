//! The whole tree that each request leaves.

use actix_web::{
    HttpResponse,
    error::ErrorServiceUnavailable,
    web::{self, ServiceConfig},
};
use diesel::{Connection as _, SqliteConnection, connection::SimpleConnection as _};
use otel_runtime::testing::SpanRecord;
use reqwest::Method;

use crate::{
    database::{Kind, databases, postgres},
    helpers::{spans_of, spawn_app, spawn_app_on, spawn_app_with, traced, traceparent},
    whole_tree,
};

const BOOKING: &str = r#"{"room_id": 1, "start": "2023-02-04", "end": "2023-02-06"}"#;
const BOOKINGS: &str = "/api/v1/bookings/";

#[track_caller]
fn check(kind: Kind, name: &str, spans: &[SpanRecord]) {
    whole_tree::check(kind.folder(), name, &whole_tree::text(spans));
}

/// Sends a request to a service of its own, and compares what it leaves.
async fn check_request(name: &str, method: Method, path: &str, body: &str) {
    for kind in databases() {
        let app = spawn_app(kind).await;
        let answer = app.request(method.clone(), path, body).await;
        check(kind, name, &answer.spans().await);
    }
}

async fn check_after_a_booking(name: &str, method: Method, path: &str, body: &str) {
    for kind in databases() {
        let app = spawn_app(kind).await;
        app.book(BOOKING).await;
        let answer = app.request(method.clone(), path, body).await;
        check(kind, name, &answer.spans().await);
    }
}

#[tokio::test]
async fn tree_of_a_good_booking() {
    check_request("a_good_booking", Method::POST, BOOKINGS, BOOKING).await;
}

#[tokio::test]
async fn tree_of_a_list() {
    check_after_a_booking("a_list", Method::GET, BOOKINGS, "").await;
    check_request("a_list_of_rooms", Method::GET, "/api/v1/rooms/", "").await;
}

#[tokio::test]
async fn tree_of_what_is_read() {
    let path = "/api/v1/bookings/1";
    check_after_a_booking("a_booking_that_is_read", Method::GET, path, "").await;
    check_request("a_room_that_is_read", Method::GET, "/api/v1/rooms/1", "").await;
}

#[tokio::test]
async fn tree_of_bad_json() {
    check_request("bad_json", Method::POST, BOOKINGS, "{").await;
}

#[tokio::test]
async fn tree_of_a_missing_field() {
    let body = r#"{"room_id": 1, "start": "2023-02-04"}"#;
    check_request("a_missing_field", Method::POST, BOOKINGS, body).await;
}

#[tokio::test]
async fn tree_of_a_wrong_order() {
    let body = r#"{"room_id": 1, "start": "2023-02-06", "end": "2023-02-04"}"#;
    check_request("a_wrong_order", Method::POST, BOOKINGS, body).await;
}

#[tokio::test]
async fn tree_of_an_overlap() {
    check_after_a_booking("an_overlap", Method::POST, BOOKINGS, BOOKING).await;
}

#[tokio::test]
async fn tree_of_an_unknown_booking() {
    let path = "/api/v1/bookings/99";
    check_request("an_unknown_booking", Method::GET, path, "").await;
}

#[tokio::test]
async fn tree_of_an_id_that_is_no_number() {
    let path = "/api/v1/bookings/one";
    check_request("an_id_that_is_no_number", Method::GET, path, "").await;
}

#[tokio::test]
async fn tree_of_an_unknown_room() {
    let body = r#"{"room_id": 99, "start": "2023-02-04", "end": "2023-02-06"}"#;
    check_request(
        "an_unknown_room_that_is_booked",
        Method::POST,
        BOOKINGS,
        body,
    )
    .await;
    let path = "/api/v1/rooms/99";
    check_request("an_unknown_room_that_is_read", Method::GET, path, "").await;
}

#[tokio::test]
async fn tree_of_an_unknown_route() {
    check_request("an_unknown_route", Method::GET, "/nope/17?x=1", "").await;
}

#[tokio::test]
async fn tree_of_the_root() {
    check_request("the_root", Method::GET, "/", "").await;
}

#[tokio::test]
async fn tree_of_another_method() {
    check_request("another_method", Method::PUT, BOOKINGS, "{}").await;
}

#[tokio::test]
async fn tree_of_an_odd_method() {
    let odd = Method::from_bytes(b"BREW").unwrap();
    check_request("an_odd_method", odd, BOOKINGS, "").await;
}

#[tokio::test]
async fn tree_of_a_missing_slash() {
    check_request(
        "a_missing_slash",
        Method::POST,
        "/api/v1/bookings?x=1",
        "{}",
    )
    .await;
}

#[tokio::test]
async fn tree_of_a_slash_too_many() {
    check_request("a_slash_too_many", Method::GET, "/api/v1/rooms/1/", "").await;
}

fn failing(config: &mut ServiceConfig) {
    async fn error() -> actix_web::Result<HttpResponse> {
        Err(ErrorServiceUnavailable("not now"))
    }
    async fn panics() -> HttpResponse {
        panic!("not like this")
    }
    config
        .route("/fails", web::get().to(error))
        .route("/panics", web::get().to(panics));
}

#[tokio::test]
async fn tree_of_a_handler_that_fails() {
    for kind in databases() {
        let app = spawn_app_with(kind, failing).await;
        let answer = app.get("/fails").await;
        check(kind, "a_handler_that_fails", &answer.spans().await);
    }
}

#[tokio::test]
async fn tree_of_a_handler_that_panics() {
    for kind in databases() {
        let app = spawn_app_with(kind, failing).await;
        let traceparent = traceparent("01");
        // The connection is lost with it.
        app.try_request(&traceparent, "/panics").await.unwrap_err();
        let trace = traceparent.split('-').nth(1).unwrap();
        let spans = spans_of(trace, |span| span.parent_is_remote).await;
        check(kind, "a_handler_that_panics", &spans);
    }
}

#[tokio::test]
async fn tree_of_a_database_error() {
    for kind in databases() {
        let app = spawn_app(kind).await;
        app.database.change("ALTER TABLE bookings RENAME TO hidden");
        let answer = app.book(BOOKING).await;
        check(kind, "a_database_error", &answer.spans().await);
    }
}

#[tokio::test]
async fn tree_of_a_broker_that_is_down() {
    for kind in databases() {
        let app = spawn_app(kind).await;
        app.change_queue("ALTER TABLE Jobs RENAME TO hidden");
        let answer = app.book(BOOKING).await;
        check(kind, "a_broker_that_is_down", &answer.spans().await);
    }
}

#[tokio::test]
async fn tree_of_a_database_that_is_down() {
    let Some(database) = postgres("tree_of_a_database_that_is_down") else {
        return;
    };
    let app = spawn_app_on(database).await;
    app.database.shut();
    let answer = app.book(BOOKING).await;
    let name = "a_database_that_is_down";
    check(Kind::Postgres, name, &answer.spans().await);
}

/// A file is never down, but somebody may keep it to themselves.
#[tokio::test]
async fn tree_of_a_database_that_is_locked() {
    let app = spawn_app(Kind::Sqlite).await;
    let mut other = SqliteConnection::establish(&app.database.url).unwrap();
    other.batch_execute("BEGIN EXCLUSIVE").unwrap();
    let answer = app.book(BOOKING).await;
    let name = "a_database_that_is_locked";
    check(Kind::Sqlite, name, &answer.spans().await);
}

/// Sends a request of a caller who says this, and compares what it leaves.
async fn check_caller(name: &str, headers: &[(&'static str, &str)]) {
    for kind in databases() {
        let app = spawn_app(kind).await;
        let traceparent = traceparent("01");
        let headers = [&[("traceparent", &*traceparent)], headers].concat();
        let answer = app
            .request_with(&headers, Method::GET, "/api/v1/rooms/1", "")
            .await;
        check(kind, name, &answer.spans().await);
    }
}

#[tokio::test]
async fn tree_of_a_host_by_its_ipv6_address() {
    let host = [("host", "[2001:db8::7]:8080")];
    check_caller("a_host_by_its_ipv6_address", &host).await;
}

/// Books for a caller who says this, and compares what it leaves; that it has a parent elsewhere stays in sight.
async fn check_booking_from(kind: Kind, name: &str, traceparent: &str) -> Vec<SpanRecord> {
    let app = spawn_app(kind).await;
    let headers = [("traceparent", traceparent), ("tracestate", "vendor=1")];
    let booking = app.request_with(&headers, Method::POST, BOOKINGS, BOOKING);
    assert_eq!(booking.await.status, 200);
    let trace = app.queued("booking.created")[0].trace();
    let spans = spans_of(&trace, |span| span.name == "POST /api/v1/bookings/").await;
    check(kind, name, &spans);
    spans
}

#[tokio::test]
async fn tree_of_a_sampled_caller() {
    for kind in databases() {
        let traceparent = traceparent("01");
        let spans = check_booking_from(kind, "a_sampled_caller", &traceparent).await;
        let trace = traceparent.split('-').nth(1).unwrap();
        for span in spans {
            assert_eq!(span.trace_id.to_string(), trace);
            assert_eq!(span.trace_state, "vendor=1");
        }
    }
}

#[tokio::test]
async fn tree_of_an_unsampled_caller() {
    for kind in databases() {
        let app = spawn_app(kind).await;
        let traceparent = traceparent("00");
        let booking = app.request_from(&traceparent, Method::POST, BOOKINGS, BOOKING);
        let answer = booking.await;
        assert_eq!(answer.status, 200);
        assert_eq!(app.queued("booking.created")[0].trace(), answer.trace);
        assert_eq!(whole_tree::text(&traced(&app, &answer).await), "");
    }
}

#[tokio::test]
async fn tree_of_a_broken_caller() {
    for kind in databases() {
        let broken = "00-0af7651916cd43dd8448eb211c80319-00000000000000aa-01";
        for span in check_booking_from(kind, "a_broken_caller", broken).await {
            assert_eq!(span.trace_state, "");
        }
    }
}

#[tokio::test]
async fn tree_of_a_health_check() {
    for kind in databases() {
        let app = spawn_app(kind).await;
        for path in ["/live", "/health"] {
            let answer = app.get(path).await;
            assert_eq!(answer.status, 200, "{path}");
            assert_eq!(whole_tree::text(&traced(&app, &answer).await), "", "{path}");
        }
    }
}
