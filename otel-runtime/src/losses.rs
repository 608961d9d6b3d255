//! Says when spans or log records are lost, instead of losing them in silence.

use std::sync::atomic::{AtomicUsize, Ordering};

use opentelemetry_sdk::error::{OTelSdkError, OTelSdkResult};

use crate::delivery::{Refused, reason};
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
    /// Lost since who flushes or shuts down was last told.
    untold: AtomicUsize,
}

impl Losses {
    pub(crate) fn new(what: &'static str, target: String) -> Self {
        Self {
            what,
            target,
            lost: AtomicUsize::new(0),
            untold: AtomicUsize::new(0),
        }
    }

    /// For who flushes or shuts down: an error where something was lost since this was last asked.
    pub(crate) fn told(&self) -> OTelSdkResult {
        match self.untold.swap(0, Ordering::Relaxed) {
            0 => Ok(()),
            lost => Err(OTelSdkError::InternalFailure(format!(
                "{} lost",
                self.counted(lost)
            ))),
        }
    }

    fn counted(&self, count: usize) -> String {
        let plural = if count == 1 { "" } else { "s" };
        format!("{count} {}{plural}", self.what)
    }

    /// What came of an export.
    pub(crate) fn note(&self, result: &Result<(), Refused>) {
        match result {
            Ok(()) => self.none(),
            Err(refused) => self.some(refused.count, &refused.error),
        }
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
        self.untold.fetch_add(count, Ordering::Relaxed);
        if self.lost.fetch_add(count, Ordering::Relaxed) == 0 {
            diagnostics::error(&format!(
                "could not export {} to {}, lost: {}",
                self.counted(count),
                self.target,
                reason(error)
            ));
        }
    }
}
