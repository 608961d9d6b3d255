//! Who may call an exporter that only one thread calls at a time.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::delivery::UNLIMITED;

/// Had by one thread at a time; others wait for it, as long as they want to.
#[derive(Debug, Default)]
pub(super) struct Turn {
    is_taken: Mutex<bool>,
    is_free: Condvar,
}

/// It is this thread's turn until this is dropped.
#[derive(Debug)]
pub(super) struct Taken<'a>(&'a Turn);

impl Turn {
    /// `None` where it does not come in time.
    pub(super) fn take(&self, timeout: Duration) -> Option<Taken<'_>> {
        let timeout = timeout.min(UNLIMITED);
        let waited = self
            .is_free
            .wait_timeout_while(self.lock(), timeout, |is_taken| *is_taken);
        let (mut is_taken, _) = waited.unwrap_or_else(PoisonError::into_inner);
        let was_taken = std::mem::replace(&mut *is_taken, true);
        (!was_taken).then(|| Taken(self))
    }

    fn lock(&self) -> MutexGuard<'_, bool> {
        self.is_taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Taken<'_> {
    fn drop(&mut self) {
        *self.0.lock() = false;
        self.0.is_free.notify_one();
    }
}
