//! Messages that are sent or processed together: one span, which knows all producers.

mod polling;
mod recorded;

#[path = "instrument/messaging_batch.rs"]
mod messaging_batch;
