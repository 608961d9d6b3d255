//! The cleanings.

use actix_web::web::{Data, Json};

use crate::{
    app::AppState,
    domain::Cleaning,
    error::ApiError,
    store::{StoreError, cleanings},
};

/// `GET /api/v1/cleanings/`: all cleanings.
///
/// # Errors
///
/// The database could not be asked.
pub async fn list(state: Data<AppState>) -> Result<Json<Vec<Cleaning>>, ApiError> {
    let cleanings = state
        .store(|connection| cleanings::list(connection).map_err(StoreError::from))
        .await?;
    Ok(Json(cleanings))
}
