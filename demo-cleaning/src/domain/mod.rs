//! What a cleaning is, and the messages it comes from and leads to.

mod cleaning;
mod message;

pub use cleaning::{Cleaning, CleaningDraft};
pub use message::{BookingCreated, CleaningPlanned};
