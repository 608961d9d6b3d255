//! What leaves the process: how long that may take, and what was not taken.

use std::fmt::{Debug, Display};
use std::panic::{self, AssertUnwindSafe};
#[cfg(feature = "otlp")]
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use opentelemetry_sdk::error::OTelSdkError;

/// Longer than any process runs, and short enough to be added to any time.
pub(crate) const UNLIMITED: Duration = Duration::from_hours(100 * 365 * 24);

/// No request is larger than this, in bytes, unless a single span or log record is: collectors take four MiB by gRPC.
pub(crate) const MAX_REQUEST: usize = 3 * 1024 * 1024;

/// When so much time is over.
pub(crate) fn after(time: Duration) -> Instant {
    Instant::now() + time.min(UNLIMITED)
}

/// When the last export has to be done of a shutdown that may take so long: what is lost then has still to be told.
pub(crate) fn last_call(timeout: Duration) -> Instant {
    after(timeout.saturating_sub(timeout / 10))
}

/// What an error says, without the words that the SDK puts before it.
pub(crate) fn reason(error: &OTelSdkError) -> &dyn Display {
    match error {
        OTelSdkError::InternalFailure(reason) => reason,
        error => error,
    }
}

/// Goes on, whatever an exporter does.
pub(crate) fn no_panic<T>(work: impl FnOnce() -> T) -> Result<T, OTelSdkError> {
    panic::catch_unwind(AssertUnwindSafe(work))
        .map_err(|_| OTelSdkError::InternalFailure("the exporter panicked".to_owned()))
}

/// Spans or log records that a receiver did not take.
#[derive(Debug)]
pub(crate) struct Refused {
    pub(crate) count: usize,
    /// Whether the receiver has answered, and would say the same again.
    pub(crate) is_final: bool,
    pub(crate) error: OTelSdkError,
}

/// Exports so many spans or log records. An exporter that panics has taken none; it is asked again with the next ones.
pub(crate) fn export(
    count: usize,
    work: impl FnOnce() -> Result<(), Refused>,
) -> Result<(), Refused> {
    no_panic(work).unwrap_or_else(|error| {
        Err(Refused {
            count,
            is_final: false,
            error,
        })
    })
}

/// How long one may try, and where one waits before one tries again.
pub(crate) trait Patience: Debug {
    /// When the last exports have to be done; `None` as long as there is no hurry.
    fn end(&self) -> Option<Instant>;

    /// The same, and no later than that.
    #[cfg(feature = "otlp")]
    fn until(&self, limit: Instant) -> Instant {
        self.end().map_or(limit, |end| end.min(limit))
    }

    /// Waits so long, or until hurry begins.
    #[cfg(feature = "otlp")]
    fn pause(&self, time: Duration);
}

/// The patience of what exports for the SDK, whose shutdown would tell an exporter after the last export only.
#[cfg(feature = "otlp")]
#[derive(Debug, Default)]
pub(crate) struct Deadline {
    end: Mutex<Option<Instant>>,
    is_set: Condvar,
}

#[cfg(feature = "otlp")]
impl Deadline {
    /// A shutdown begins that may take so long.
    pub(crate) fn set(&self, timeout: Duration) {
        *self.lock() = Some(last_call(timeout));
        self.is_set.notify_all();
    }

    /// Waits so long, or for as long as there is hurry or is none.
    fn wait_while(&self, is_hurry: bool, time: Duration) {
        let waited = self
            .is_set
            .wait_timeout_while(self.lock(), time, |end| end.is_some() == is_hurry);
        drop(waited);
    }

    fn lock(&self) -> MutexGuard<'_, Option<Instant>> {
        self.end.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(feature = "otlp")]
impl Patience for Deadline {
    fn end(&self) -> Option<Instant> {
        *self.lock()
    }

    fn pause(&self, time: Duration) {
        self.wait_while(self.end().is_some(), time);
    }
}

#[cfg(all(test, feature = "otlp"))]
mod tests {
    use std::sync::Arc;
    use std::thread;

    use super::*;

    #[test]
    fn a_pause_ends_when_there_is_hurry() {
        let deadline = Arc::new(Deadline::default());
        let waiting = thread::spawn({
            let deadline = Arc::clone(&deadline);
            // As a pause that began now; the thread may come to it only when there is hurry.
            move || deadline.wait_while(false, Duration::from_hours(1))
        });
        deadline.pause(Duration::from_millis(1));
        assert_eq!(deadline.end(), None);
        deadline.set(Duration::from_secs(1));
        waiting.join().expect("no panic");
        assert!(deadline.end().is_some());
        // In a hurry as well one does not ask again and again.
        let begun = Instant::now();
        deadline.pause(Duration::from_millis(20));
        assert!(begun.elapsed() >= Duration::from_millis(20));
    }
}
