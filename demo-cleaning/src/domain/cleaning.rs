use chrono::NaiveDate;
use serde::Serialize;

use super::BookingCreated;

/// A cleaning as it follows from a booking.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CleaningDraft {
    /// The booking in the booking service.
    pub booking_id: i64,
    /// The room's name.
    pub room: String,
    /// The day on which the room is cleaned.
    pub day: NaiveDate,
}

impl CleaningDraft {
    /// Plans the cleaning for the day on which the guest leaves.
    #[must_use]
    pub fn after(booking: &BookingCreated) -> Self {
        Self {
            booking_id: booking.id,
            room: booking.room.clone(),
            day: booking.end,
        }
    }
}

/// A cleaning that is stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Cleaning {
    /// Its id in this service.
    pub id: i64,
    /// The booking in the booking service.
    pub booking_id: i64,
    /// The room's name.
    pub room: String,
    /// The day on which the room is cleaned.
    pub day: NaiveDate,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_room_is_cleaned_on_the_last_day() {
        let booking: BookingCreated = serde_json::from_str(
            r#"{"id": 7, "room": "President Suite", "start": "2023-02-04", "end": "2023-02-06"}"#,
        )
        .unwrap();
        assert_eq!(
            CleaningDraft::after(&booking),
            CleaningDraft {
                booking_id: 7,
                room: "President Suite".to_owned(),
                day: "2023-02-06".parse().unwrap(),
            }
        );
    }
}
