//! The bookings.

use actix_web::web::{Bytes, Data, Json, Path};
use otel_runtime::{span_attr, traced_span};

use crate::{
    app::AppState,
    domain::{Booking, BookingDraft, BookingWithRoom},
    error::ApiError,
    routes::input,
    store::{Connection, StoreError, bookings, rooms},
};

/// `GET /api/v1/bookings/`: all bookings.
///
/// # Errors
///
/// The database could not be asked.
pub async fn list(state: Data<AppState>) -> Result<Json<Vec<Booking>>, ApiError> {
    let bookings = state
        .store(|connection| bookings::list(connection).map_err(StoreError::from))
        .await?;
    Ok(Json(bookings))
}

/// `GET /api/v1/bookings/{booking_id}`: one booking and its room.
///
/// # Errors
///
/// The id is not a number or not known, or the database could not be asked.
pub async fn read(
    state: Data<AppState>,
    id: Path<String>,
) -> Result<Json<BookingWithRoom>, ApiError> {
    let id = input::path_id("booking_id", &id)?;
    let booking = state.store(move |connection| find(connection, id)).await?;
    booking.map(Json).ok_or(ApiError::BookingNotFound)
}

/// `POST /api/v1/bookings/`: books a room, and announces it to the cleaning service.
///
/// # Errors
///
/// The body is not a booking, the room is unknown or taken, or the booking could not be stored.
pub async fn create(
    state: Data<AppState>,
    body: Result<Bytes, actix_web::Error>,
) -> Result<Json<Booking>, ApiError> {
    let draft = input::booking_draft(&body?)?;
    let made = make(&state, draft).await?;
    Ok(Json(made.booking))
}

#[traced_span("booking.create")]
#[span_attr("room.id" = draft.room_id)]
async fn make(state: &AppState, draft: BookingDraft) -> Result<BookingWithRoom, ApiError> {
    let (made, announcement) = state
        .store(move |connection| bookings::insert(connection, &draft))
        .await?;
    #[span_attr("room")]
    let room = &made.room.name;
    log::info!("booked {room} until {}", made.booking.period.end());
    state.announce(announcement).await;
    Ok(made)
}

#[traced_span("booking.find")]
#[span_attr("booking.id" = id)]
fn find(connection: &mut Connection<'_>, id: i64) -> Result<Option<BookingWithRoom>, StoreError> {
    let Some(booking) = bookings::find(connection, id)? else {
        return Ok(None);
    };
    let room = #[traced_span("booking.find_room")]
    {
        rooms::find(connection, booking.room_id)?
    };
    Ok(room.map(|room| BookingWithRoom { booking, room }))
}
