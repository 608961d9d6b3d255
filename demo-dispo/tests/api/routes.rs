//! Paths and methods that no handler is meant for.

use reqwest::{
    Method, StatusCode,
    header::{ALLOW, LOCATION},
};

use crate::{database::databases, helpers::spawn_app};

#[tokio::test]
async fn an_unknown_path_is_not_found() {
    for kind in databases() {
        let answer = spawn_app(kind).await.get("/nope/17?x=1").await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND);
        assert_eq!(answer.text, r#"{"detail":"Not Found"}"#);
        assert_eq!(answer.tree().await, "SERVER GET");
    }
}

#[tokio::test]
async fn another_method_is_not_allowed() {
    for kind in databases() {
        let app = spawn_app(kind).await;
        let answer = app.request(Method::PUT, "/api/v1/bookings/", "{}").await;
        assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED);
        assert_eq!(answer.text, r#"{"detail":"Method Not Allowed"}"#);
        assert_eq!(answer.headers[ALLOW], "GET, POST");
        assert_eq!(answer.tree().await, "SERVER PUT /api/v1/bookings/");
    }
}

#[tokio::test]
async fn a_missing_slash_is_redirected_to() {
    for kind in databases() {
        let app = spawn_app(kind).await;
        let answer = app
            .request(Method::POST, "/api/v1/bookings?x=1", "{}")
            .await;
        assert_eq!(answer.status, StatusCode::TEMPORARY_REDIRECT);
        assert_eq!(answer.headers[LOCATION], "/api/v1/bookings/?x=1");
        assert_eq!(answer.tree().await, "SERVER POST");
    }
}

#[tokio::test]
async fn a_slash_too_many_is_redirected_away() {
    for kind in databases() {
        let answer = spawn_app(kind).await.get("/api/v1/rooms/1/").await;
        assert_eq!(answer.status, StatusCode::TEMPORARY_REDIRECT);
        assert_eq!(answer.headers[LOCATION], "/api/v1/rooms/1");
    }
}
