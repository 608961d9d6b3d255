//! What a room and a booking are, in types that cannot hold a wrong value.

mod booking;
mod message;
mod room;

pub use booking::{Booking, BookingDraft, BookingWithRoom, Period, PeriodError};
pub use message::{BookingCreated, CleaningPlanned};
pub use room::Room;
