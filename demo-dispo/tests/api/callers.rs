//! What callers say of their traces, and what becomes of it.

use otel_runtime::testing::{Detail, tree};
use reqwest::{Method, StatusCode};

use crate::{
    database::databases,
    helpers::{Answer, TestApp, assert_untraced, spans_of, spawn_app, traceparent},
};

/// Books for a caller who says this of its trace.
async fn book(app: &TestApp, traceparent: &str) -> Answer {
    let booking = r#"{"room_id": 1, "start": "2023-02-04", "end": "2023-02-06"}"#;
    app.request_from(traceparent, Method::POST, "/api/v1/bookings/", booking)
        .await
}

#[tokio::test]
async fn an_unsampled_caller_leaves_no_spans_and_the_message_says_so() {
    for kind in databases() {
        let app = spawn_app(kind).await;
        let answer = book(&app, &traceparent("00")).await;
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
        let answer = book(&app, &traceparent("03")).await;
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
            let answer = book(&app, broken).await;
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
