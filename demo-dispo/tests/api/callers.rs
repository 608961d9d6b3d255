//! What callers say of their traces, and what becomes of it.

use otel_runtime::testing::{Detail, tree};
use reqwest::{Method, StatusCode};

use crate::{
    database::databases,
    helpers::{assert_untraced, new_trace, spans_of, spawn_app},
};

const PATH: &str = "/api/v1/bookings/";
const BOOKING: &str = r#"{"room_id": 1, "start": "2023-02-04", "end": "2023-02-06"}"#;

#[tokio::test]
async fn an_unsampled_caller_leaves_no_spans_and_the_message_says_so() {
    for kind in databases() {
        let app = spawn_app(kind).await;
        let traceparent = format!("00-{}-00000000000000aa-00", new_trace());
        let answer = app
            .request_from(&traceparent, Method::POST, PATH, BOOKING)
            .await;
        assert_eq!(answer.status, StatusCode::OK);
        assert_untraced(&app, &answer).await;
        let message = &app.queued("booking.created")[0];
        assert_eq!(message.trace(), answer.trace);
        assert!(message.header("traceparent").unwrap().ends_with("-00"));
    }
}

#[tokio::test]
async fn a_caller_with_further_flags_is_joined() {
    for kind in databases() {
        let app = spawn_app(kind).await;
        let traceparent = format!("00-{}-00000000000000aa-03", new_trace());
        let answer = app
            .request_from(&traceparent, Method::POST, PATH, BOOKING)
            .await;
        let tree = answer.tree().await;
        assert!(
            tree.starts_with("SERVER POST /api/v1/bookings/\n"),
            "{tree}"
        );
        assert_eq!(app.queued("booking.created")[0].trace(), answer.trace);
    }
}

#[tokio::test]
async fn a_broken_traceparent_starts_a_new_trace() {
    for kind in databases() {
        for broken in [
            "rubbish",
            "00-00000000000000000000000000000000-00000000000000aa-01",
            "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
            "ff-0af7651916cd43dd8448eb211c80319c-00000000000000aa-01",
            "00-0af7651916cd43dd8448eb211c80319-00000000000000aa-01",
        ] {
            let app = spawn_app(kind).await;
            let answer = app.request_from(broken, Method::POST, PATH, BOOKING).await;
            assert_eq!(answer.status, StatusCode::OK, "{broken}");
            let trace = app.queued("booking.created")[0].trace();
            assert_ne!(trace, answer.trace, "{broken}");
            let spans = spans_of(&trace, |span| span.parent_span_id.is_none()).await;
            let tree = tree(&spans, Detail::NAMES);
            assert!(
                tree.starts_with("SERVER POST /api/v1/bookings/\n"),
                "{broken}: {tree}"
            );
        }
    }
}
