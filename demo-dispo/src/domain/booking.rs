use chrono::NaiveDate;
use serde::Serialize;

use super::Room;

/// The days of a stay: from the day of arrival to the day of departure, which comes later.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Period {
    start: NaiveDate,
    end: NaiveDate,
}

impl Period {
    /// Takes the day of arrival and the day of departure.
    ///
    /// # Errors
    ///
    /// `end` is not after `start`.
    pub fn new(start: NaiveDate, end: NaiveDate) -> Result<Self, PeriodError> {
        if start < end {
            Ok(Self { start, end })
        } else {
            Err(PeriodError)
        }
    }

    /// The day of arrival.
    #[must_use]
    pub fn start(&self) -> NaiveDate {
        self.start
    }

    /// The day of departure, on which the next guest may arrive.
    #[must_use]
    pub fn end(&self) -> NaiveDate {
        self.end
    }
}

/// The end of a period is not after its start.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("start is not before end.")]
pub struct PeriodError;

/// A booking as it is asked for: nothing is known of the room yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BookingDraft {
    /// The room asked for.
    pub room_id: i64,
    /// The days of the stay.
    pub period: Period,
}

/// A booking that is stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Booking {
    /// Its id in this service.
    pub id: i64,
    /// The room.
    pub room_id: i64,
    /// The days of the stay.
    #[serde(flatten)]
    pub period: Period,
    /// Whether the cleaning service has planned the cleaning after the stay.
    pub cleaning_planned: bool,
}

/// A booking with all that is known of its room.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct BookingWithRoom {
    /// The booking.
    #[serde(flatten)]
    pub booking: Booking,
    /// Its room.
    pub room: Room,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    #[test]
    fn a_period_ends_after_it_starts() {
        assert!(Period::new(day("2023-02-04"), day("2023-02-05")).is_ok());
        assert_eq!(
            Period::new(day("2023-02-04"), day("2023-02-04")),
            Err(PeriodError)
        );
        assert_eq!(
            Period::new(day("2023-02-05"), day("2023-02-04")),
            Err(PeriodError)
        );
    }

    #[test]
    fn a_booking_is_written_flat() {
        let booking = Booking {
            id: 7,
            room_id: 1,
            period: Period::new(day("2023-02-04"), day("2023-02-06")).unwrap(),
            cleaning_planned: false,
        };
        assert_eq!(
            serde_json::to_string(&booking).unwrap(),
            r#"{"id":7,"room_id":1,"start":"2023-02-04","end":"2023-02-06","cleaning_planned":false}"#
        );
    }
}
