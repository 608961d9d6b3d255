//! Lets one process at a time set up a database file.
//!
//! A new database is switched to write-ahead logging and gets its tables from whichever process comes first. The locks
//! of `SQLite` itself do not cover the switch (it fails at once when another connection is busy), so a file beside the
//! database is locked for the time of the set-up.

use std::{
    fs::{File, OpenOptions, TryLockError},
    io,
    path::Path,
    thread,
    time::{Duration, Instant},
};

const TIMEOUT: Duration = Duration::from_secs(30);
const RETRY: Duration = Duration::from_millis(10);

/// The right to set up a database; given back when dropped.
#[derive(Debug)]
pub(crate) struct FileLock {
    _file: File,
}

impl FileLock {
    /// Waits until no other process sets up `database`, at most 30 seconds. Blocks the thread.
    ///
    /// # Errors
    ///
    /// The lock file cannot be created, or another process holds it for longer.
    pub(crate) fn acquire(database: &Path) -> io::Result<Self> {
        let mut path = database.as_os_str().to_owned();
        path.push("-lock");
        let file = OpenOptions::new().create(true).append(true).open(&path)?;
        let give_up = Instant::now() + TIMEOUT;
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(Self { _file: file }),
                Err(TryLockError::WouldBlock) if Instant::now() < give_up => thread::sleep(RETRY),
                Err(error) => return Err(error.into()),
            }
        }
    }
}
