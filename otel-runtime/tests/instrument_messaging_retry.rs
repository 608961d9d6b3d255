//! Messages that waited, and messages that are sent again.

mod recorded;

#[path = "instrument/messaging_retry.rs"]
mod messaging_retry;
