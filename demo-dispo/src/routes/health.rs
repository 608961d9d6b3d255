//! Whether the service can do its work.

use actix_web::web::{Data, Json};
use serde_json::{Value, json};

use crate::{app::AppState, error::ApiError, store};

/// Answers when the database does.
///
/// # Errors
///
/// The database does not answer.
pub async fn check(state: Data<AppState>) -> Result<Json<Value>, ApiError> {
    state.store(store::check).await?;
    Ok(Json(json!({ "status": "ok" })))
}
