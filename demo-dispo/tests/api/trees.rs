//! The whole tree of each path, with attributes and events, as it stands in `trees`.
//!
//! `BLESS=1 cargo test -p demo-dispo --test api trees` writes them, those of PostgreSQL where `TEST_POSTGRES_URL` is set; read
//! them before you commit them.

use std::{fs, path::Path};

use actix_web::{
    HttpResponse,
    error::ErrorServiceUnavailable,
    web::{self, ServiceConfig},
};
use otel_runtime::testing::{Detail, SpanRecord, tree};
use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    database::{Kind, databases, host},
    helpers::{Answer, TestApp, spans_of, spawn_app, spawn_app_with, traceparent},
    worker::{is_consumer, work_off},
};

const BOOKING: &str = r#"{"room_id": 1, "start": "2023-02-04", "end": "2023-02-06"}"#;
const BOOKINGS: &str = "/api/v1/bookings/";

/// What is another one in each run.
const VARIES: [&str; 6] = [
    "client.port",
    "db.namespace",
    "messaging.message.id",
    "network.peer.port",
    "otel_runtime.messaging.queue.duration",
    "server.port",
];

/// Compares spans with the file of this name.
#[track_caller]
fn check(kind: Kind, name: &str, spans: &[SpanRecord]) {
    let found = tree(spans, Detail::NAMES.with_attributes());
    let found: Vec<_> = found
        .lines()
        .map(|line| without_what_varies(line, kind))
        .collect();
    let found = found.join("\n") + "\n";
    let folder = match kind {
        Kind::Sqlite => "sqlite",
        Kind::Postgres => "postgresql",
    };
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/api/trees")
        .join(folder)
        .join(name)
        .with_extension("txt");
    if std::env::var_os("BLESS").is_some() {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, &found).unwrap();
    }
    let expected = fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(found, expected, "{}", path.display());
}

/// Each attribute has a line of its own.
fn without_what_varies(line: &str, kind: Kind) -> String {
    let address = "server.address = ";
    if let (Kind::Postgres, Some(host)) = (kind, host())
        && line.ends_with(&format!("{address}\"{host}\""))
    {
        return line.replace(&host, "127.0.0.1");
    }
    let varies = line.split_once('=').filter(|(start, _)| {
        let key = start.trim_start_matches(|c: char| !c.is_ascii_lowercase());
        VARIES.contains(&key.trim())
    });
    match varies {
        Some((start, _)) => format!("{start}= ..."),
        None => line.to_owned(),
    }
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

/// Sends a request of a caller who says this, and compares what it leaves.
async fn check_caller(name: &str, headers: &[(&'static str, &str)]) {
    for kind in databases() {
        let app = spawn_app(kind).await;
        let traceparent = traceparent("01");
        let headers = [&[("traceparent", &*traceparent)], headers].concat();
        let answer: Answer = app
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

/// Lets a worker do a task, and compares what that leaves.
async fn check_task(name: &str, message: &Value) {
    for kind in databases() {
        let app: TestApp = spawn_app(kind).await;
        app.book(BOOKING).await;
        let message = work_off(&app, message).await;
        let spans = spans_of(&message.trace(), is_consumer).await;
        check(kind, name, &spans);
    }
}

#[tokio::test]
async fn tree_of_a_task() {
    let message = json!({"booking_id": 1, "day": "2023-02-06"});
    check_task("a_task", &message).await;
}

#[tokio::test]
async fn tree_of_a_task_that_is_rejected() {
    let message = json!({"booking_id": 99, "day": "2023-02-06"});
    check_task("a_task_that_is_rejected", &message).await;
}

#[tokio::test]
async fn tree_of_an_unknown_task() {
    check_task(
        "an_unknown_task",
        &json!({"task": "rooms.paint", "args": [1]}),
    )
    .await;
}

#[tokio::test]
async fn tree_of_a_malformed_message() {
    check_task("a_malformed_message", &json!([1, 2, 3])).await;
}
