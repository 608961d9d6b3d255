use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::Cleaning;

/// What the booking service sends when a booking is stored.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct BookingCreated {
    /// The booking's id.
    pub id: i64,
    /// The room's name.
    pub room: String,
    /// The day of departure.
    pub end: NaiveDate,
}

impl BookingCreated {
    /// The queue this message comes from.
    pub const QUEUE: &str = "booking.created";
}

/// What this service sends when the cleaning after a stay is planned.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CleaningPlanned {
    /// The booking the cleaning is for.
    pub booking_id: i64,
    /// The room's name.
    pub room: String,
    /// The day of the cleaning.
    pub day: NaiveDate,
}

impl CleaningPlanned {
    /// The queue this message goes to.
    pub const QUEUE: &str = "cleaning.planned";
}

impl From<Cleaning> for CleaningPlanned {
    fn from(cleaning: Cleaning) -> Self {
        Self {
            booking_id: cleaning.booking_id,
            room: cleaning.room,
            day: cleaning.day,
        }
    }
}
