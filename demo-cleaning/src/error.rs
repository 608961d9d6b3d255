//! The one place where a failure becomes a status code and a body.

use actix_web::{HttpResponse, ResponseError, error::BlockingError, http::StatusCode};
use serde_json::json;

use crate::store::StoreError;

/// Why a request is not answered as asked.
#[derive(Debug, thiserror::Error)]
pub enum ApiError {
    /// The database could not be asked.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The work on the database was cut off.
    #[error("the work on the database was cut off: {0}")]
    CutOff(#[from] BlockingError),
}

impl ResponseError for ApiError {
    fn status_code(&self) -> StatusCode {
        match self {
            Self::Store(StoreError::Pool(_) | StoreError::Lost(_)) => {
                StatusCode::SERVICE_UNAVAILABLE
            }
            Self::Store(StoreError::Query(_)) | Self::CutOff(_) => {
                StatusCode::INTERNAL_SERVER_ERROR
            }
        }
    }

    /// The caller is told nothing about the inside of this service; the log is.
    fn error_response(&self) -> HttpResponse {
        log::error!("{self}");
        let status = self.status_code();
        HttpResponse::build(status).json(json!({ "detail": status.canonical_reason() }))
    }
}
