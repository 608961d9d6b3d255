//! Requests that a socket test cannot make, or not at will: odd methods and hosts, proxies, drops, errors and panics.

mod recorded;

#[path = "instrument/actix_odd.rs"]
mod actix_odd;
