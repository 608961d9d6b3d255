use std::collections::HashMap;
use std::fs;
#[cfg(unix)]
use std::path::Path;
#[cfg(unix)]
use std::process::Command;
use std::sync::Arc;
#[cfg(unix)]
use std::sync::mpsc;
#[cfg(unix)]
use std::thread;
#[cfg(unix)]
use std::time::Duration;

use opentelemetry::trace::{SpanId, TraceFlags, TraceId};
use opentelemetry::{InstrumentationScope, KeyValue};
use tempfile::TempDir;

use super::super::record::{Head, Origin};
use super::super::scope::Source;
use super::frame;
use super::{Journal, Known, WASTE};

fn head(number: u64, parent: u64) -> Head {
    Head {
        trace_id: TraceId::from(u128::MAX - 7),
        span_id: SpanId::from(number),
        parent: SpanId::from(parent),
        parent_is_remote: false,
        trace_flags: TraceFlags::SAMPLED,
        kind: 3,
        start: 1_000 + number,
        end: 0,
        origin: Origin::Tracer(0),
    }
}

fn source() -> Source {
    let scope = InstrumentationScope::builder("scope")
        .with_version("1")
        .with_schema_url("https://example.com")
        .with_attributes([KeyValue::new("key", "value")]);
    Source::Tracer(Arc::new(scope.build()))
}

fn known(head: Head) -> Known {
    Known {
        head,
        source: source(),
        is_named: true,
        entries: Box::default(),
    }
}

fn journal() -> (Journal, TempDir) {
    let folder = TempDir::new().expect("a folder");
    let journal = Journal::create(folder.path(), "service").expect("a journal");
    (journal, folder)
}

/// A span begins.
pub(in super::super) fn open(journal: &Journal, number: u64, parent: u64) {
    journal.opens(known(head(number, parent)));
}

/// The ids of the spans that are there for the next process, in the order of their starts.
fn kept(folder: &TempDir) -> Vec<u64> {
    let files = fs::read_dir(folder.path()).expect("the folder");
    let spans = files.map(|file| {
        let bytes = fs::read(file.expect("a file").path()).expect("a file");
        frame::read(&bytes).expect("a journal")
    });
    let mut ids: Vec<_> = spans
        .flat_map(HashMap::into_keys)
        .map(|id| u64::from_be_bytes(id.to_bytes()))
        .collect();
    ids.sort_unstable();
    ids
}

#[test]
fn what_is_read_is_what_was_written() {
    let (first, second) = (head(1, 0), head(2, 1));
    let span = |head| frame::span(&known(head));
    let done = frame::done(&[first.span_id]);
    let frames = [frame::beginning("service"), span(first), span(second), done];
    let ends: Vec<_> = frames
        .iter()
        .scan(0, |end, frame| {
            *end += frame.len();
            Some(*end)
        })
        .collect();
    let journal = frames.concat();
    // Wherever it is cut off.
    for length in 0..=journal.len() {
        let found = frame::read(&journal[..length]);
        let whole = ends.iter().filter(|end| **end <= length).count();
        let spans = match whole {
            0 | 1 => 0,
            3 => 2,
            _ => 1,
        };
        match found {
            None => assert!(length < 2),
            Some(found) => assert_eq!(found.len(), spans, "{length}"),
        }
    }
    let spans = frame::read(&journal).expect("a journal");
    let kept = &spans[&second.span_id];
    assert_eq!(kept.head, second);
    let Source::Tracer(scope) = source() else {
        unreachable!("it is a tracer's");
    };
    assert_eq!(kept.scope, *scope);
    assert!(kept.scope.attributes().eq(scope.attributes()));
    // What others wrote.
    assert!(frame::read(b"buy milk").is_none());
    // What is broken is not read, and all before it is.
    let broken = [&journal[..], &[0; 9]].concat();
    assert_eq!(frame::read(&broken).expect("a journal").len(), 1);
}

#[test]
fn spans_are_written_once_with_those_above_them() {
    let (journal, folder) = journal();
    for (number, parent) in [(1, 99), (2, 1), (3, 2), (4, 2)] {
        open(&journal, number, parent);
    }
    assert_eq!(kept(&folder), [0; 0]);
    journal.context_leaves(SpanId::from(3));
    assert_eq!(kept(&folder), [1, 2, 3]);
    // A kill may cut off what is being written: those above stand before those that name them.
    let bytes = fs::read(&super::lock(&journal.log).path).expect("the file");
    let cut = frame::read(&bytes[..bytes.len() - 1]).expect("a journal");
    assert!(!cut.contains_key(&SpanId::from(3)), "{cut:?}");
    assert_eq!(cut.len(), 2);
    let length = super::lock(&journal.log).length;
    journal.context_leaves(SpanId::from(3));
    assert_eq!(super::lock(&journal.log).length, length);
    journal.context_leaves(SpanId::from(4));
    assert_eq!(kept(&folder), [1, 2, 3, 4]);
    journal.forget([2, 4, 5].map(SpanId::from));
    assert_eq!(kept(&folder), [1, 3]);
    // It may have left before it was told that it ended.
    journal.ends(known(head(2, 1)));
    assert_eq!(kept(&folder), [1, 3]);
    journal.forget([1, 3].map(SpanId::from));
    journal.close();
    assert_eq!(fs::read_dir(folder.path()).expect("the folder").count(), 0);
}

#[test]
fn a_span_is_written_as_it_is_known_last() {
    let (journal, folder) = journal();
    let ended = |number| Head {
        end: 9_000,
        ..head(number, 0)
    };
    let ends = || {
        let files = fs::read_dir(folder.path()).expect("the folder");
        let path = files.map(|file| file.expect("a file").path()).next();
        let bytes = fs::read(path.expect("a journal")).expect("a journal");
        let spans = frame::read(&bytes).expect("a journal");
        let ends = [1, 2].map(|id| spans.get(&SpanId::from(id)).map(|span| span.head.end));
        (ends, super::lock(&journal.log).kept)
    };
    for number in [1, 2] {
        open(&journal, number, 0);
    }
    journal.context_leaves(SpanId::from(1));
    let (found, one) = ends();
    assert_eq!(found, [Some(0), None]);
    journal.ends(known(ended(1)));
    journal.ends(known(ended(2)));
    assert_eq!(ends(), ([Some(9_000), None], one));
    journal.context_leaves(SpanId::from(2));
    assert_eq!(ends(), ([Some(9_000); 2], 2 * one));
}

#[test]
fn the_file_does_not_grow_for_ever() {
    let (journal, folder) = journal();
    open(&journal, 1, 0);
    journal.context_leaves(SpanId::from(1));
    let mut written = 0;
    for number in 2..20_000 {
        open(&journal, number, 1);
        journal.context_leaves(SpanId::from(number));
        let before = super::lock(&journal.log).length;
        journal.forget([SpanId::from(number)]);
        let log = super::lock(&journal.log);
        written += u64::from(log.length < before);
        assert!(log.length <= 2 * log.kept + WASTE);
        let length = fs::metadata(&log.path).expect("the file").len();
        assert_eq!(length, log.length);
    }
    assert!(written >= 2, "it was written anew {written} times");
    // The old ones are gone.
    assert_eq!(fs::read_dir(folder.path()).expect("the folder").count(), 1);
    assert_eq!(kept(&folder), [1]);
}

#[test]
fn a_journal_that_cannot_be_written_stays_until_it_can() {
    let (journal, folder) = journal();
    open(&journal, 1, 0);
    journal.context_leaves(SpanId::from(1));
    let path = folder.path().to_owned();
    let away = path.with_extension("away");
    fs::rename(&path, &away).expect("moved");
    fs::write(&path, "").expect("a file in its place");
    // It needs a new file now, which nobody can make there.
    super::lock(&journal.log).length = 2 * WASTE;
    for _ in 0..2 {
        journal.forget([]);
    }
    let failure = journal.failure().expect("a failure");
    assert!(failure.contains("File exists"), "{failure}");
    assert_eq!(journal.failure(), None, "told once");
    // The old one is still written to.
    open(&journal, 2, 1);
    journal.context_leaves(SpanId::from(2));
    fs::remove_file(&path).expect("the file");
    fs::rename(&away, &path).expect("moved back");
    assert_eq!(kept(&folder), [1, 2]);
    journal.forget([SpanId::from(1)]);
    assert_eq!(kept(&folder), [2]);
    let log = super::lock(&journal.log);
    assert!(log.length < WASTE, "it was not written anew");
}

#[test]
fn what_could_not_be_written_is_written_later() {
    let (journal, folder) = journal();
    open(&journal, 1, 0);
    journal.context_leaves(SpanId::from(1));
    let path = super::lock(&journal.log).path.clone();
    // As on a full disk, writing fails.
    let unwritable = fs::File::open(&path).expect("the file");
    let written = super::lock(&journal.log).file.replace(unwritable);
    open(&journal, 2, 1);
    journal.context_leaves(SpanId::from(2));
    assert_eq!(kept(&folder), [1], "what was there stays");
    assert!(journal.failure().is_some());
    drop(written);
    // With the next batch.
    journal.forget([]);
    assert_eq!(kept(&folder).last(), Some(&2));
    assert!(!super::lock(&journal.log).is_behind);
    journal.forget([1, 2].map(SpanId::from));
    assert_eq!(journal.failure(), None);
}

#[cfg(unix)]
#[test]
fn a_journal_that_was_removed_is_written_anew() {
    let (journal, folder) = journal();
    let remove: [fn(&Path); 2] = [
        |folder| fs::remove_dir_all(folder).expect("the folder"),
        |folder| {
            for file in fs::read_dir(folder).expect("the folder") {
                fs::remove_file(file.expect("a file").path()).expect("a file");
            }
        },
    ];
    for (remove, number) in remove.into_iter().zip(1..) {
        let path = super::lock(&journal.log).path.clone();
        remove(folder.path());
        open(&journal, number, number - 1);
        journal.context_leaves(SpanId::from(number));
        // With the next batch.
        journal.forget([]);
        let failure = journal.failure().expect("a failure");
        assert_eq!(failure, format!("{}: it was removed", path.display()));
        assert_eq!(kept(&folder), (1..=number).collect::<Vec<_>>());
        journal.forget([]);
        assert_eq!(journal.failure(), None, "told once");
    }
    remove[0](folder.path());
    journal.close();
    assert_eq!(kept(&folder), [1, 2]);
}

#[cfg(unix)]
#[test]
fn nothing_is_read_but_files() {
    let (journal, folder) = journal();
    let (others, other_folder) = self::journal();
    open(&others, 1, 0);
    others.context_leaves(SpanId::from(1));
    let target = super::lock(&others.log).path.clone();
    drop(others);
    let link = folder.path().join("link.journal");
    std::os::unix::fs::symlink(target, link).expect("a link");
    let pipe = folder.path().join("pipe.journal");
    let made = Command::new("mkfifo").arg(pipe).status();
    assert!(made.expect("mkfifo runs").success());
    let (found, was_found) = mpsc::channel();
    thread::spawn(move || found.send(journal.left(true).count()));
    let found = was_found.recv_timeout(Duration::from_secs(20));
    assert_eq!(found, Ok(0));
    assert_eq!(kept(&other_folder), [1]);
}

#[cfg(unix)]
#[test]
fn only_the_owner_may_read_it() {
    use std::os::unix::fs::PermissionsExt as _;
    let (journal, _folder) = journal();
    let metadata = fs::metadata(&super::lock(&journal.log).path).expect("the file");
    assert_eq!(metadata.permissions().mode() & 0o777, 0o600);
}
