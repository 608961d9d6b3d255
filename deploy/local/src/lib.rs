//! Runs both services and both workers as separate processes, sends them a booking and looks at its trace.
//!
//! `cargo demo` does it for people, the end-to-end tests for us. [`binaries`] builds the programs, [`process`] runs one
//! of them, [`stack`] runs all four together, on files or on what [`postgres`] and [`rabbitmq`] set apart on servers.
//! [`booking`] is what they are sent and the trace it should leave, [`observe`] waits for that trace.

pub mod arguments;
pub mod binaries;
pub mod booking;
pub mod load;
pub mod observe;
pub mod postgres;
pub mod process;
pub mod rabbitmq;
pub mod signals;
pub mod stack;
pub mod usage;
