//! The rooms.

use actix_web::web::{Data, Json, Path};

use crate::{
    app::AppState,
    domain::Room,
    error::ApiError,
    routes::input,
    store::{StoreError, rooms},
};

/// `GET /api/v1/rooms/`: all rooms.
///
/// # Errors
///
/// The database could not be asked.
pub async fn list(state: Data<AppState>) -> Result<Json<Vec<Room>>, ApiError> {
    let rooms = state
        .store(|connection| rooms::list(connection).map_err(StoreError::from))
        .await?;
    Ok(Json(rooms))
}

/// `GET /api/v1/rooms/{room_id}`: one room.
///
/// # Errors
///
/// The id is not a number or not known, or the database could not be asked.
pub async fn read(state: Data<AppState>, id: Path<String>) -> Result<Json<Room>, ApiError> {
    let id = input::path_id("room_id", &id)?;
    let room = state
        .store(move |connection| rooms::find(connection, id).map_err(StoreError::from))
        .await?;
    room.map(Json).ok_or(ApiError::RoomNotFound)
}
