use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::BookingWithRoom;

/// What this service sends when a booking is stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct BookingCreated {
    /// The booking's id.
    pub id: i64,
    /// The room's name.
    pub room: String,
    /// The day of arrival.
    pub start: NaiveDate,
    /// The day of departure.
    pub end: NaiveDate,
}

impl BookingCreated {
    /// The queue this message goes to.
    pub const QUEUE: &str = "booking.created";
}

impl From<&BookingWithRoom> for BookingCreated {
    fn from(made: &BookingWithRoom) -> Self {
        Self {
            id: made.booking.id,
            room: made.room.name.clone(),
            start: made.booking.period.start(),
            end: made.booking.period.end(),
        }
    }
}

/// What the cleaning service sends when the cleaning after a stay is planned.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct CleaningPlanned {
    /// The booking the cleaning is for.
    pub booking_id: i64,
    /// The day of the cleaning.
    pub day: NaiveDate,
}

impl CleaningPlanned {
    /// The queue this message comes from.
    pub const QUEUE: &str = "cleaning.planned";
}
