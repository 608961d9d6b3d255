//! What the instrumentations record, where `sdk_provider` has the SDK make the spans; the name of this file lets `recorded`
//! choose it.

mod polling;
mod recorded;

#[path = "instrument/actix_odd.rs"]
mod actix_odd;
#[path = "instrument/actix_options.rs"]
mod actix_options;
#[path = "instrument/actix_server.rs"]
mod actix_server;
#[path = "instrument/log.rs"]
mod log;
#[path = "instrument/messaging.rs"]
mod messaging;
#[path = "instrument/messaging_batch.rs"]
mod messaging_batch;
#[path = "instrument/messaging_retry.rs"]
mod messaging_retry;
#[path = "instrument/reqwest.rs"]
mod reqwest;
