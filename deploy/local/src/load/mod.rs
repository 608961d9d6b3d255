//! Many bookings, and what each costs.
//!
//! `cargo load` does it. [`arguments`] says what, [`drive`] sends bookings as fast as they are answered, [`measure`] looks
//! at the processes meanwhile, [`turns`] compares them side by side, [`sink`] takes their spans, [`report`] sums up.

pub mod arguments;
pub mod drive;
pub mod measure;
pub mod report;
pub mod sink;
pub mod turns;
