//! `/api/v1/rooms/`.

use reqwest::StatusCode;
use serde_json::json;

use crate::{database::databases, helpers::spawn_app};

#[tokio::test]
async fn a_few_rooms_are_there_from_the_start() {
    for kind in databases() {
        let answer = spawn_app(kind).await.get("/api/v1/rooms/").await;
        assert_eq!(answer.status, StatusCode::OK);
        let rooms = answer.json();
        assert!(rooms.as_array().unwrap().len() >= 3, "{rooms}");
        assert_eq!(
            rooms[0],
            json!({"id": 1, "number": "1", "name": "President Suite"})
        );
    }
}

#[tokio::test]
async fn one_room_is_read_by_its_id() {
    for kind in databases() {
        let answer = spawn_app(kind).await.get("/api/v1/rooms/2").await;
        assert_eq!(answer.status, StatusCode::OK);
        assert_eq!(answer.json()["number"], "101");
        assert_eq!(
            answer.tree().await,
            "SERVER GET /api/v1/rooms/{room_id}\n  CLIENT SELECT rooms"
        );
    }
}

#[tokio::test]
async fn an_unknown_room_is_not_found() {
    for kind in databases() {
        let answer = spawn_app(kind).await.get("/api/v1/rooms/999").await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND);
        assert_eq!(answer.text, r#"{"detail":"Room not found."}"#);
    }
}

#[tokio::test]
async fn an_id_that_is_no_number_is_told() {
    for kind in databases() {
        let answer = spawn_app(kind).await.get("/api/v1/rooms/first").await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert_eq!(
            answer.text,
            r#"{"detail":[{"type":"int_parsing","loc":["path","room_id"],"msg":"Input should be a valid integer, unable to parse string as an integer","input":"first"}]}"#
        );
    }
}
