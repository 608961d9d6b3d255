//! Says when spans or log records are lost, instead of losing them in silence.

use std::fmt::Display;
use std::sync::atomic::{AtomicUsize, Ordering};

use opentelemetry_sdk::error::OTelSdkError;

use crate::diagnostics;

/// What did not arrive at one place: the first loss of a row is told at once, then what the row cost when it ends.
#[derive(Debug)]
pub(crate) struct Losses {
    /// What is exported: the name of one.
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
                diagnostics::warn(&format!(
                    "{target} takes {what}s again; lost in between: {lost}"
                ));
            }
        }
    }

    /// An export did not work, or not for all.
    pub(crate) fn some(&self, count: usize, error: &OTelSdkError) {
        let (what, target) = (self.what, &self.target);
        let error: &dyn Display = match error {
            // The words that the SDK puts before it say nothing.
            OTelSdkError::InternalFailure(reason) => reason,
            error => error,
        };
        if self.lost.fetch_add(count, Ordering::Relaxed) == 0 {
            let plural = if count == 1 { "" } else { "s" };
            diagnostics::error(&format!(
                "could not export {count} {what}{plural} to {target}, lost: {error}"
            ));
        }
    }
}
