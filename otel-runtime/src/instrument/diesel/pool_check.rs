//! The check that a pool makes before it hands out a connection. It is no query of the application, and makes no span.

use super::printed::Origin;

/// What r2d2 sends.
const STATEMENT: &str = "SELECT 1";

/// Whether this is the check of a pool that is not known to make one.
pub(super) fn is_sent(origin: Origin, sql: &str) -> bool {
    origin == Origin::Built && sql == STATEMENT
}

#[cfg(feature = "r2d2")]
pub(super) use self::known::{is_running, running};

#[cfg(not(feature = "r2d2"))]
pub(super) const fn is_running() -> bool {
    false
}

/// Of a pool that says when it makes one, so that the statement need not be printed.
#[cfg(feature = "r2d2")]
mod known {
    use std::cell::Cell;

    thread_local! {
        static IS_RUNNING: Cell<bool> = const { Cell::new(false) };
    }

    /// Whether this thread waits for a connection.
    pub(in super::super) fn is_running() -> bool {
        IS_RUNNING.get()
    }

    /// Takes a connection; what is sent meanwhile is the pool's check.
    pub(in super::super) fn running<T>(take: impl FnOnce() -> T) -> T {
        /// A panic, too, ends it.
        struct Running;

        impl Drop for Running {
            fn drop(&mut self) {
                IS_RUNNING.set(false);
            }
        }

        IS_RUNNING.set(true);
        let _running = Running;
        take()
    }
}
