//! Exports what processes have left in their journals that were killed.

use std::time::{Duration, Instant};

use super::export::{Batch, Patience, Told};
use super::journal::{Journal, Left};
use crate::diagnostics;

/// Journals are looked for that often: another process of the service may be killed while this one goes on.
const EVERY: Duration = Duration::from_secs(5);

/// When journals were looked for.
#[derive(Debug, Default)]
pub(super) struct Recovery {
    last: Option<Instant>,
}

impl Recovery {
    /// Exports what there is, at the first call and after a while again. What is not taken stays where it is, for the next
    /// time.
    pub(super) fn turn(
        &mut self,
        journal: &Journal,
        outputs: &mut [Told],
        max_batch: usize,
        patience: &Patience<'_>,
    ) {
        if self.last.is_some_and(|last| last.elapsed() < EVERY) {
            return;
        }
        let is_first = self.last.replace(Instant::now()).is_none();
        for left in journal.left(is_first) {
            match export(&left, outputs, max_batch, patience) {
                Some(spans) => {
                    left.remove();
                    diagnostics::info(&format!(
                        "{spans} spans of a process that was killed were exported"
                    ));
                }
                None => return,
            }
        }
    }
}

/// Exports all spans to each output; the answer is how many, or `None` where one of them did not take them.
fn export(
    left: &Left,
    outputs: &mut [Told],
    max_batch: usize,
    patience: &Patience<'_>,
) -> Option<usize> {
    let mut spans = left.spans().peekable();
    let mut exported = 0;
    while spans.peek().is_some() {
        let batch = Batch::of(&mut spans, max_batch);
        for output in &mut *outputs {
            output.try_export(&batch, patience).ok()?;
        }
        exported += batch.len();
    }
    Some(exported)
}
