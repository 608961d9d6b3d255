//! What leaves the process: how long that may take, and what was not taken.

use std::fmt::Debug;
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

/// Spans or log records that a receiver did not take.
#[derive(Debug)]
pub(crate) struct Refused {
    pub(crate) count: usize,
    /// Whether the receiver has answered, and would say the same again.
    pub(crate) is_final: bool,
    pub(crate) error: OTelSdkError,
}

/// How long one may try, and where one waits before one tries again.
pub(crate) trait Patience: Debug {
    /// When the last exports have to be done; `None` as long as there is no hurry.
    fn end(&self) -> Option<Instant>;

    /// Waits so long, or until there is hurry.
    #[cfg(feature = "otlp")]
    fn pause(&self, time: Duration);
}

/// The patience of what exports for the SDK, which tells nobody before its shutdown has begun to wait.
#[derive(Debug, Default)]
pub(crate) struct Deadline {
    end: Mutex<Option<Instant>>,
    is_set: Condvar,
}

impl Deadline {
    /// So much time is left.
    pub(crate) fn set(&self, left: Duration) {
        *self.lock() = Some(after(left));
        self.is_set.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, Option<Instant>> {
        self.end.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Patience for Deadline {
    fn end(&self) -> Option<Instant> {
        *self.lock()
    }

    #[cfg(feature = "otlp")]
    fn pause(&self, time: Duration) {
        let waited = self
            .is_set
            .wait_timeout_while(self.lock(), time, |end| end.is_none());
        drop(waited);
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
            move || deadline.pause(Duration::from_hours(1))
        });
        deadline.pause(Duration::from_millis(1));
        assert_eq!(deadline.end(), None);
        deadline.set(Duration::from_secs(1));
        waiting.join().expect("no panic");
        assert!(deadline.end().is_some());
    }
}
