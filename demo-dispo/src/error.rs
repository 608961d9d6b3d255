//! The one place where a failure becomes a status code and a body.

use actix_web::{HttpResponse, ResponseError, error::BlockingError, http::StatusCode};
use serde::Serialize;

use crate::{
    domain::Period,
    routes::problem::Problem,
    store::{StoreError, bookings::InsertError},
};

/// Why a request is not answered as asked.
#[derive(Debug, thiserror::Error)]
pub enum ApiError {
    /// The request cannot be understood.
    #[error("the request has {} problem(s)", .0.len())]
    Invalid(Vec<Problem>),
    /// The body of the request could not be taken in.
    #[error("{1}")]
    Body(StatusCode, String),
    /// There is no such room.
    #[error("Room not found.")]
    RoomNotFound,
    /// There is no such booking.
    #[error("Booking not found.")]
    BookingNotFound,
    /// The room is taken in this period.
    #[error("Room is booked from {} to {}.", .0.start(), .0.end())]
    Overlap(Period),
    /// The database could not be asked.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The work on the database was cut off.
    #[error("the work on the database was cut off: {0}")]
    CutOff(#[from] BlockingError),
}

/// What actix found wrong with the body before a handler saw it.
impl From<actix_web::Error> for ApiError {
    fn from(error: actix_web::Error) -> Self {
        Self::Body(error.as_response_error().status_code(), error.to_string())
    }
}

impl From<InsertError> for ApiError {
    fn from(error: InsertError) -> Self {
        match error {
            InsertError::UnknownRoom => Self::RoomNotFound,
            InsertError::Overlap(period) => Self::Overlap(period),
            InsertError::Store(error) => Self::Store(error),
        }
    }
}

impl ResponseError for ApiError {
    fn status_code(&self) -> StatusCode {
        match self {
            Self::Invalid(_) => StatusCode::UNPROCESSABLE_ENTITY,
            Self::Body(status, _) => *status,
            Self::RoomNotFound | Self::BookingNotFound => StatusCode::NOT_FOUND,
            Self::Overlap(_) => StatusCode::CONFLICT,
            Self::Store(StoreError::Pool(_) | StoreError::Lost(_)) => {
                StatusCode::SERVICE_UNAVAILABLE
            }
            Self::Store(StoreError::Query(_)) | Self::CutOff(_) => {
                StatusCode::INTERNAL_SERVER_ERROR
            }
        }
    }

    fn error_response(&self) -> HttpResponse {
        let status = self.status_code();
        if status.is_server_error() {
            log::error!("{self}");
        }
        let mut response = HttpResponse::build(status);
        match self {
            Self::Invalid(problems) => response.json(Detail { detail: problems }),
            _ => response.json(Detail {
                detail: self.told(),
            }),
        }
    }
}

impl ApiError {
    /// What the caller is told: all about their own mistake, nothing about the inside of this service.
    fn told(&self) -> String {
        let status = self.status_code();
        if status.is_server_error() {
            status.canonical_reason().unwrap_or_default().to_owned()
        } else {
            self.to_string()
        }
    }
}

/// The body of every answer that is not the one asked for.
#[derive(Serialize)]
struct Detail<T> {
    detail: T,
}
