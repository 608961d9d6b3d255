//! `/health` and `/live`: asked every few seconds, so they leave no spans.

use reqwest::StatusCode;

use crate::{
    database::{databases, postgres},
    helpers::{assert_untraced, spawn_app, spawn_app_on},
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
