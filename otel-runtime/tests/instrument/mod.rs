//! What the instrumentations record, whoever makes the spans: that is for `recorded`, by the name of the test binary.

mod actix_odd;
mod actix_options;
mod actix_server;
mod diesel;
mod diesel_postgres;
mod log;
mod messaging;
mod messaging_batch;
mod messaging_retry;
mod reqwest;
