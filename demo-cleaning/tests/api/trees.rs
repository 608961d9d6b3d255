//! The whole tree that each request leaves.

use otel_runtime::testing::SpanRecord;
use reqwest::Method;

use crate::{
    database::{Kind, databases, postgres},
    helpers::{
        spans_of, spans_with, spawn_app, spawn_app_after, spawn_app_on, traced, traceparent,
    },
    whole_tree,
};

const CLEANINGS: &str = "/api/v1/cleanings/";

#[track_caller]
fn check(kind: Kind, name: &str, spans: &[SpanRecord]) {
    whole_tree::check(kind.folder(), name, &whole_tree::text(spans));
}

/// Sends a request to a service of its own, and compares what it leaves.
async fn check_request(name: &str, method: Method, path: &str) {
    for kind in databases() {
        let app = spawn_app(kind).await;
        let answer = app.request(method.clone(), path).await;
        check(kind, name, &answer.spans().await);
    }
}

#[tokio::test]
async fn tree_of_a_list_of_cleanings() {
    check_request("a_list", Method::GET, CLEANINGS).await;
}

#[tokio::test]
async fn tree_of_what_is_not_there() {
    check_request("an_unknown_route", Method::GET, "/nope/17?x=1").await;
    check_request("another_method", Method::PUT, CLEANINGS).await;
    check_request("a_missing_slash", Method::GET, "/api/v1/cleanings?x=1").await;
}

#[tokio::test]
async fn tree_of_a_list_and_a_database_error() {
    for kind in databases() {
        let app = spawn_app_after(kind, "ALTER TABLE cleanings RENAME TO hidden").await;
        let answer = app.get(CLEANINGS).await;
        check(kind, "a_database_error", &answer.spans().await);
    }
}

#[tokio::test]
async fn tree_of_a_list_and_a_database_that_is_down() {
    let Some(database) = postgres("tree_of_a_list_and_a_database_that_is_down") else {
        return;
    };
    let app = spawn_app_on(database).await;
    app.database.shut();
    let answer = app.get(CLEANINGS).await;
    let name = "a_database_that_is_down";
    check(Kind::Postgres, name, &answer.spans().await);
}

#[tokio::test]
async fn tree_of_a_list_for_a_sampled_caller() {
    for kind in databases() {
        let app = spawn_app(kind).await;
        let answer = app.get(CLEANINGS).await;
        let spans = spans_of(&answer.trace, |span| span.parent_is_remote).await;
        check(kind, "a_sampled_caller", &spans);
    }
}

#[tokio::test]
async fn tree_of_a_list_for_an_unsampled_caller() {
    for kind in databases() {
        let app = spawn_app(kind).await;
        let traceparent = traceparent("00");
        let answer = app.request_from(&traceparent, Method::GET, CLEANINGS).await;
        assert_eq!(answer.status, 200);
        assert_eq!(whole_tree::text(&traced(&app, &answer).await), "");
    }
}

#[tokio::test]
async fn tree_of_a_list_for_a_broken_caller() {
    for kind in databases() {
        let app = spawn_app(kind).await;
        // Nobody else asks for this one.
        let path = format!("{CLEANINGS}?caller={kind:?}");
        let broken = "00-0af7651916cd43dd8448eb211c80319-00000000000000aa-01";
        let answer = app.request_from(broken, Method::GET, &path).await;
        assert_eq!(answer.status, 200);
        let query = format!("caller={kind:?}");
        let spans = spans_with("url.query", &query, |span| span.parent_span_id.is_none()).await;
        check(kind, "a_broken_caller", &spans);
    }
}

#[tokio::test]
async fn tree_of_a_health_check_of_cleaning() {
    for kind in databases() {
        let app = spawn_app(kind).await;
        for path in ["/live", "/health"] {
            let answer = app.get(path).await;
            assert_eq!(answer.status, 200, "{path}");
            assert_eq!(whole_tree::text(&traced(&app, &answer).await), "", "{path}");
        }
    }
}
