//! Whether the service lives, and whether it can do its work.

use actix_web::web::{Data, Json};
use serde_json::{Value, json};

use crate::{app::AppState, error::ApiError, store};

/// `GET /live`: answers as long as requests are answered at all. A restart helps when this does not, and only then.
pub async fn live() -> Json<Value> {
    Json(json!({ "status": "ok" }))
}

/// `GET /health`: answers when the database does.
///
/// # Errors
///
/// The database does not answer.
pub async fn check(state: Data<AppState>) -> Result<Json<Value>, ApiError> {
    state.store(store::check).await?;
    Ok(Json(json!({ "status": "ok" })))
}
