//! Says when spans or log records are lost, instead of losing them in silence.

use std::fmt::Display;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::diagnostics;

/// What did not arrive at one place: the first loss of a row is told at once, then what the row cost when it ends.
#[derive(Debug)]
pub(crate) struct Losses {
    /// What is exported, in the plural.
    what: &'static str,
    /// Where it goes, for the message.
    target: String,
    /// Lost since the last export that worked.
    lost: AtomicUsize,
}

impl Losses {
    pub(crate) fn new(what: &'static str, target: String) -> Self {
        Self {
            what,
            target,
            lost: AtomicUsize::new(0),
        }
    }

    /// How many were lost since the last export that worked.
    #[cfg(feature = "logs")]
    pub(crate) fn count(&self) -> usize {
        self.lost.load(Ordering::Relaxed)
    }

    /// An export worked.
    pub(crate) fn none(&self) {
        let (what, target) = (self.what, &self.target);
        match self.lost.swap(0, Ordering::Relaxed) {
            0 => {}
            lost => {
                diagnostics::warn(&format!("{target} takes {what} again; {lost} were lost"));
            }
        }
    }

    /// An export did not work, or not for all.
    pub(crate) fn some(&self, count: usize, error: &dyn Display) {
        let (what, target) = (self.what, &self.target);
        if self.lost.fetch_add(count, Ordering::Relaxed) == 0 {
            diagnostics::error(&format!(
                "could not export {count} {what} to {target}: {error}; they are lost"
            ));
        }
    }
}
