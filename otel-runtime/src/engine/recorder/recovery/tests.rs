use std::fs;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use opentelemetry::trace::SpanId;
use opentelemetry_sdk::error::{OTelSdkError, OTelSdkResult};
use tempfile::TempDir;

use super::super::export::{Batch, Mailbox, Output, Told};
use super::super::journal::Journal;
use super::super::journal::tests::open;
use super::super::lock;
use super::Recovery;
use crate::delivery::{Patience, Refused};
use crate::losses::Losses;

/// What a receiver does.
#[derive(Debug, Default)]
struct Receiver {
    /// It answers to so many batches.
    answers: usize,
    refuses: bool,
    asked: usize,
    spans: Vec<SpanId>,
}

#[derive(Clone, Debug, Default)]
struct ToReceiver(Arc<Mutex<Receiver>>);

impl ToReceiver {
    fn answering(answers: usize) -> Self {
        let to = Self::default();
        lock(&to.0).answers = answers;
        to
    }

    fn told(&self) -> Told {
        Told {
            output: Box::new(self.clone()),
            losses: Losses::new("span", "the receiver".to_owned()),
        }
    }

    /// The numbers of the spans that it has.
    fn spans(&self) -> Vec<u64> {
        let receiver = lock(&self.0);
        let ids = receiver.spans.iter();
        ids.map(|id| u64::from_be_bytes(id.to_bytes())).collect()
    }
}

impl Output for ToReceiver {
    fn export(&mut self, spans: &Batch<'_>, _: &dyn Patience) -> Result<(), Refused> {
        let mut receiver = lock(&self.0);
        receiver.asked += 1;
        let refused = |is_final| {
            Err(Refused {
                count: spans.len(),
                is_final,
                error: OTelSdkError::InternalFailure("no".to_owned()),
            })
        };
        if receiver.answers == 0 {
            return refused(false);
        }
        receiver.answers -= 1;
        if receiver.refuses {
            return refused(true);
        }
        let ids = spans.heads().map(|head| head.span_id);
        receiver.spans.extend(ids);
        Ok(())
    }

    fn shut_down(&mut self, _: Duration) -> OTelSdkResult {
        Ok(())
    }
}

/// Leaves a journal with these spans, like a process that was killed.
fn leave(folder: &Path, spans: &[u64]) {
    let journal = Journal::create(folder, "service").expect("a journal");
    for number in spans {
        open(&journal, *number, 0);
        journal.context_leaves(SpanId::from(*number));
    }
}

/// Looks for journals as if it were time to, with one span in a batch; the answer is how many files are left.
fn turn(recovery: &mut Recovery, folder: &Path, to: &[&ToReceiver]) -> usize {
    turn_where(recovery, folder, to, &vec![true; to.len()])
}

/// The same where only some outputs answered just now.
fn turn_where(
    recovery: &mut Recovery,
    folder: &Path,
    to: &[&ToReceiver],
    answer: &[bool],
) -> usize {
    let own = TempDir::new().expect("a folder");
    let mut journal = Journal::create(own.path(), "service").expect("a journal");
    journal.look_in(folder);
    let mut outputs: Vec<_> = to.iter().map(|to| to.told()).collect();
    let mailbox = Mailbox::default();
    recovery.last = None;
    recovery.turn(&journal, &mut outputs, answer, 1, &mailbox);
    fs::read_dir(folder).expect("the folder").count()
}

#[test]
fn nobody_is_sent_again_what_was_taken() {
    let folder = TempDir::new().expect("a folder");
    let mut recovery = Recovery::default();
    leave(folder.path(), &[1, 2, 3]);
    let all = ToReceiver::answering(9);
    let some = ToReceiver::answering(2);
    for _ in 0..3 {
        assert_eq!(turn(&mut recovery, folder.path(), &[&all, &some]), 1);
        assert_eq!(all.spans(), [1, 2, 3]);
        assert_eq!(some.spans(), [1, 2]);
    }
    lock(&some.0).answers = 9;
    assert_eq!(turn(&mut recovery, folder.path(), &[&all, &some]), 0);
    assert_eq!(all.spans(), [1, 2, 3]);
    assert_eq!(some.spans(), [1, 2, 3]);
}

#[test]
fn who_does_not_answer_is_not_asked_and_holds_up_nobody() {
    let folder = TempDir::new().expect("a folder");
    let mut recovery = Recovery::default();
    leave(folder.path(), &[1, 2]);
    let [silent, other] = [9, 9].map(ToReceiver::answering);
    let outputs = [&silent, &other];
    let files = turn_where(&mut recovery, folder.path(), &outputs, &[false, true]);
    assert_eq!((files, lock(&silent.0).asked), (1, 0));
    assert_eq!(other.spans(), [1, 2]);
    assert_eq!(turn(&mut recovery, folder.path(), &outputs), 0);
    assert_eq!(silent.spans(), [1, 2]);
    assert_eq!(other.spans(), [1, 2]);
}

#[test]
fn what_was_taken_is_known_after_another_process_looked_at_it() {
    let folder = TempDir::new().expect("a folder");
    let mut recovery = Recovery::default();
    leave(folder.path(), &[1, 2]);
    let some = ToReceiver::answering(1);
    assert_eq!(turn(&mut recovery, folder.path(), &[&some]), 1);
    let mut files = fs::read_dir(folder.path()).expect("the folder");
    let path = files.next().expect("a file").expect("a file").path();
    let elsewhere = fs::File::open(path).expect("the file");
    elsewhere.lock().expect("a lock");
    assert_eq!(turn(&mut recovery, folder.path(), &[&some]), 1);
    drop(elsewhere);
    lock(&some.0).answers = 9;
    assert_eq!(turn(&mut recovery, folder.path(), &[&some]), 0);
    assert_eq!(some.spans(), [1, 2]);
}

#[test]
fn what_is_refused_for_good_is_not_sent_again() {
    let folder = TempDir::new().expect("a folder");
    leave(folder.path(), &[1, 2]);
    let refusing = ToReceiver::answering(9);
    lock(&refusing.0).refuses = true;
    let files = turn(&mut Recovery::default(), folder.path(), &[&refusing]);
    assert_eq!((files, lock(&refusing.0).asked), (0, 2));
}

#[test]
fn who_does_not_answer_is_asked_once() {
    let folder = TempDir::new().expect("a folder");
    leave(folder.path(), &[1]);
    leave(folder.path(), &[2]);
    let (there, away) = (ToReceiver::answering(9), ToReceiver::answering(0));
    let mut recovery = Recovery::default();
    assert_eq!(turn(&mut recovery, folder.path(), &[&there, &away]), 2);
    assert_eq!(lock(&away.0).asked, 1);
    let mut spans = there.spans();
    spans.sort_unstable();
    assert_eq!(spans, [1, 2]);
}
