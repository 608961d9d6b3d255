//! Requests over real sockets: what is recorded of them, and what the other side is told.

mod recorded;

#[path = "instrument/reqwest.rs"]
mod reqwest;
