//! `/health` and `/live`: asked every few seconds, so they leave no spans.

use reqwest::StatusCode;

use actix_web::web::{Data, ServiceConfig, get};
use demo_dispo::{
    app::AppState,
    error::ApiError,
    outbox::OutgoingMessage,
    store::{StoreError, rooms},
};
use otel_runtime::traced_span;

use crate::{
    database::{databases, postgres},
    helpers::{assert_untraced, spawn_app, spawn_app_on, spawn_app_with},
};

#[tokio::test]
async fn health_asks_the_database_and_leaves_no_span() {
    for kind in databases() {
        let app = spawn_app(kind).await;
        let answer = app.get("/health").await;
        assert_eq!(answer.status, StatusCode::OK);
        assert_eq!(answer.text, r#"{"status":"ok"}"#);
        assert_untraced(&app, &answer).await;
    }
}

#[tokio::test]
async fn a_service_without_its_database_lives_and_is_not_healthy() {
    let Some(database) = postgres("a_service_without_its_database_lives_and_is_not_healthy") else {
        return;
    };
    let app = spawn_app_on(database).await;
    app.database.shut();
    for (path, status) in [
        ("/live", StatusCode::OK),
        ("/health", StatusCode::SERVICE_UNAVAILABLE),
    ] {
        let answer = app.get(path).await;
        assert_eq!(answer.status, status, "{path}");
        assert_untraced(&app, &answer).await;
    }
}

#[tokio::test]
async fn all_that_is_done_for_a_skipped_request_is_skipped_with_it() {
    for kind in databases() {
        let app = spawn_app_with(kind, busy).await;
        let answer = app.get("/health").await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
        assert_untraced(&app, &answer).await;

        // Whoever receives the message is told to leave no spans either.
        let queued = app.queued("booking.created");
        assert_eq!(queued[0].trace(), answer.trace);
        assert!(queued[0].header("traceparent").unwrap().ends_with("-00"));
    }
}

/// Makes `/health` do what elsewhere leaves spans of every sort.
fn busy(service: &mut ServiceConfig) {
    service.route("/health", get().to(look_at_everything));
}

#[traced_span]
async fn look_at_everything(state: Data<AppState>) -> Result<&'static str, ApiError> {
    state
        .store(|connection| rooms::list(connection).map_err(StoreError::from))
        .await?;
    let message = OutgoingMessage::new(&"healthy").expect("it is text");
    state.announce(message).await;
    Ok("ok")
}

#[tokio::test]
async fn a_service_that_is_to_end_lets_its_callers_go() {
    for kind in databases() {
        let app = spawn_app(kind).await;
        let answer = app.get("/live").await;
        assert_eq!(answer.headers.get("connection"), None);
        app.shutdown.request();
        for (path, status) in [
            ("/live", StatusCode::OK),
            ("/health", StatusCode::SERVICE_UNAVAILABLE),
            ("/nowhere", StatusCode::NOT_FOUND),
        ] {
            let answer = app.get(path).await;
            assert_eq!(answer.status, status, "{path}");
            let connection = answer.headers.get("connection");
            assert!(connection.is_some_and(|it| it == "close"), "{path}");
        }
    }
}
