//! Whether the service lives, and whether it can do its work.

use actix_web::HttpResponse;
use actix_web::web::{Data, Json};
use serde_json::{Value, json};

use crate::{app::AppState, error::ApiError, shutdown::Shutdown, store};

/// `GET /live`: answers as long as requests are answered at all. A restart helps when this does not, and only then.
pub async fn live() -> Json<Value> {
    Json(json!({ "status": "ok" }))
}

/// `GET /health`: answers when the database does; with 503 once the process is to end.
///
/// # Errors
///
/// The database does not answer.
pub async fn check(
    state: Data<AppState>,
    shutdown: Data<Shutdown>,
) -> Result<HttpResponse, ApiError> {
    if shutdown.is_requested() {
        return Ok(HttpResponse::ServiceUnavailable().json(json!({ "status": "ending" })));
    }
    state.store(store::check).await?;
    Ok(HttpResponse::Ok().json(json!({ "status": "ok" })))
}
