//! `/api/v1/cleanings/`.

use reqwest::StatusCode;
use serde_json::json;

use crate::{database::databases, helpers::spawn_app};

#[tokio::test]
async fn nothing_is_planned_at_first() {
    for kind in databases() {
        let answer = spawn_app(kind).await.get("/api/v1/cleanings/").await;
        assert_eq!(answer.status, StatusCode::OK);
        assert_eq!(answer.json(), json!([]));
        assert_eq!(
            answer.tree().await,
            "SERVER GET /api/v1/cleanings/\n  CLIENT SELECT cleanings"
        );
    }
}
