//! A real server on a real socket, and a client that has a trace of its own.

mod recorded;

#[path = "instrument/actix_server.rs"]
mod actix_server;
