//! Client spans of connections to real databases, in memory and in files.

mod recorded;

#[path = "instrument/diesel.rs"]
mod diesel;
