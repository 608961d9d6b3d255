//! Ids of the current span on the lines of the `log` facade, through a real `env_logger`.

mod recorded;

#[path = "instrument/log.rs"]
mod log;
