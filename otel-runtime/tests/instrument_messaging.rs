//! Producer and consumer spans: how they are joined, what they record, and how they end.

mod recorded;

#[path = "instrument/messaging.rs"]
mod messaging;
