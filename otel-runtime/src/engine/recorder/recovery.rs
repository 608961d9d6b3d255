//! Exports what processes have left in their journals that were killed.

use std::collections::HashMap;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use opentelemetry_sdk::error::OTelSdkError;

use super::export::{Batch, Told};
use super::journal::{Journal, Left};
use crate::delivery::Patience;
use crate::diagnostics;

/// Journals are looked for that often: another process of the service may be killed while this one goes on.
const EVERY: Duration = Duration::from_secs(5);

/// What was done about journals so far.
#[derive(Debug, Default)]
pub(super) struct Recovery {
    last: Option<Instant>,
    /// Of a journal that not every output has taken whole, how many spans each has.
    taken: HashMap<PathBuf, Vec<usize>>,
}

impl Recovery {
    /// Exports what there is, at the first call and after a while again, to the outputs that `answer`. Where nobody does it stays,
    /// for the next time.
    pub(super) fn turn(
        &mut self,
        journal: &Journal,
        outputs: &mut [Told],
        answer: &[bool],
        max_batch: usize,
        patience: &dyn Patience,
    ) {
        if self.last.is_some_and(|last| last.elapsed() < EVERY) {
            return;
        }
        let is_first = self.last.replace(Instant::now()).is_none();
        let mut before = std::mem::take(&mut self.taken);
        // Who does not answer is not asked again for each journal.
        let mut answers = answer.to_vec();
        for left in journal.left(is_first) {
            let known = before.remove(left.path());
            let is_new = known.is_none();
            let mut taken = known.unwrap_or_else(|| vec![0; outputs.len()]);
            for ((output, taken), answers) in outputs.iter_mut().zip(&mut taken).zip(&mut answers) {
                if !*answers {
                    continue;
                }
                if let Err(error) = offer(&left, taken, output, max_batch, patience) {
                    *answers = false;
                    if is_new {
                        diagnostics::warn(&format!(
                            "{} spans of a process that was killed wait in {}: {error}",
                            left.len(),
                            left.path().display()
                        ));
                    }
                }
            }
            if taken.iter().all(|taken| *taken == left.len()) {
                diagnostics::info(&format!(
                    "{} spans of a process that was killed were exported",
                    left.len()
                ));
                left.remove();
            } else {
                self.taken.insert(left.path().to_owned(), taken);
            }
        }
        // Another process may look at one just now.
        before.retain(|path, _| path.exists());
        self.taken.extend(before);
    }
}

/// Exports what the output has not taken yet.
fn offer(
    left: &Left,
    taken: &mut usize,
    output: &mut Told,
    max_batch: usize,
    patience: &dyn Patience,
) -> Result<(), OTelSdkError> {
    let mut spans = left.spans().skip(*taken).peekable();
    while spans.peek().is_some() {
        let batch = Batch::of(&mut spans, max_batch);
        output.offer(&batch, patience)?;
        *taken += batch.len();
    }
    Ok(())
}

#[cfg(test)]
mod tests;
