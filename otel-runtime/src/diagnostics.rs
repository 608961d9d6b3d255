//! What the runtime itself has to say, on standard error: the one place that prints.

use std::io::Write as _;
use std::sync::atomic::{AtomicU8, Ordering};

/// How much is said; `OTEL_LOG_LEVEL` chooses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Level {
    Off,
    Error,
    Warn,
    Info,
}

static LEVEL: AtomicU8 = AtomicU8::new(Level::Warn as u8);

pub(crate) fn set_level(level: Level) {
    LEVEL.store(level as u8, Ordering::Relaxed);
}

/// Something is lost: spans, or telemetry as a whole.
pub(crate) fn error(message: &str) {
    print(Level::Error, message);
}

/// Something was asked for that is not done.
pub(crate) fn warn(message: &str) {
    print(Level::Warn, message);
}

/// What may be of interest to those who ask for it.
pub(crate) fn info(message: &str) {
    print(Level::Info, message);
}

fn print(level: Level, message: &str) {
    if level as u8 <= LEVEL.load(Ordering::Relaxed) {
        // Nobody may read it any more, or the disk may be full, where `eprintln!` panics.
        let _ = writeln!(std::io::stderr(), "otel-runtime: {message}");
    }
}
