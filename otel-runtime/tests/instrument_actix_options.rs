//! What the middleware can be told: what to skip, what to record in addition, how to name.

mod recorded;

#[path = "instrument/actix_options.rs"]
mod actix_options;
