//! Where text is printed.

use std::io::{self, Stdout, Write};
#[cfg(test)]
use std::sync::{Mutex, PoisonError};

/// Has room for the text of one thread at a time.
///
/// The application may have standard output locked while it ends a span: whoever waits for it must hold no lock that such a
/// thread needs.
pub(crate) trait Page: Send + Sync {
    /// Waits until nobody else prints, and prints.
    fn print(&self, work: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<()>;
}

impl Page for Stdout {
    fn print(&self, work: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
        work(&mut self.lock())
    }
}

#[cfg(test)]
impl<W: Write + Send> Page for Mutex<W> {
    fn print(&self, work: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
        work(&mut *self.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
