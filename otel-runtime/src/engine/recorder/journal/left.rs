//! The journals of processes that were killed.

use std::fs::{self, File, Metadata};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicU64;
use std::time::UNIX_EPOCH;

use super::super::attributes;
use super::super::export::Waiting;
use super::super::lane::Sourced;
use super::super::record::{HEAD, Words};
use super::frame::{self, Kept};
use super::{EXTENSION, clock, discard};
use crate::diagnostics;

/// The spans of a process that was killed. No other process has them as long as this lives.
#[derive(Debug)]
pub(in super::super) struct Left {
    file: File,
    path: PathBuf,
    /// Each with its head as it waits.
    spans: Vec<(Kept, [AtomicU64; HEAD])>,
}

impl Left {
    /// Reads a journal; `None` where its process lives, where another process reads it, and where it is of another service.
    fn read(path: PathBuf, service: &str) -> io::Result<Option<Self>> {
        let mut file = open(&path)?;
        if file.try_lock().is_err() {
            return Ok(None);
        }
        let expected = frame::beginning(service);
        let mut bytes = Vec::new();
        let length = expected.len() as u64;
        file.by_ref().take(length).read_to_end(&mut bytes)?;
        if bytes.is_empty() {
            // Whoever emptied it did not come to remove it.
            fs::remove_file(path)?;
            return Ok(None);
        }
        // What others left is not read whole each time.
        if bytes == expected {
            file.read_to_end(&mut bytes)?;
        }
        let Some(spans) = frame::read(&bytes) else {
            let message = "it is not of this version of otel-runtime";
            return Err(io::Error::other(message));
        };
        if !bytes.starts_with(&expected) {
            return Ok(None);
        }
        let seen = file.metadata()?.modified().unwrap_or(UNIX_EPOCH);
        let mut kept: Vec<_> = spans.into_values().collect();
        // Always in the same order, so that it is known which have been taken.
        kept.sort_by_key(|span| (span.head.start, span.head.span_id.to_bytes()));
        let ended = |mut kept: Kept| {
            kept.end_if_open(clock::unix_nanos(seen));
            let waiting = kept.head.waiting();
            (kept, waiting)
        };
        let spans = kept.into_iter().map(ended).collect();
        Ok(Some(Self { file, path, spans }))
    }

    pub(in super::super) fn path(&self) -> &Path {
        &self.path
    }

    /// How many spans there are.
    pub(in super::super) fn len(&self) -> usize {
        self.spans.len()
    }

    /// Each span, with the fields that are not of the head.
    pub(in super::super) fn spans(&self) -> impl Iterator<Item = (Waiting<'_>, &[u8])> {
        self.spans.iter().map(|(kept, waiting)| {
            let source = Sourced {
                scope: &kept.scope,
                name: None,
                constants: &attributes::NONE,
            };
            let head = Words(waiting);
            (Waiting { head, source }, &kept.fields[..])
        })
    }

    /// What it holds has been exported.
    pub(in super::super) fn remove(self) {
        if let Err(error) = discard(&self.file, &self.path) {
            complain(&self.path, &error);
        }
    }
}

/// Opens a file, and nothing else: one waits for ever for what comes out of a pipe, and what a link points to is not ours.
fn open(path: &Path) -> io::Result<File> {
    let is_file = |found: Metadata| {
        if found.is_file() {
            return Ok(());
        }
        Err(io::Error::other("it is no file"))
    };
    is_file(fs::symlink_metadata(path)?)?;
    let file = File::options().read(true).write(true).open(path)?;
    // It may be another one by now.
    is_file(file.metadata()?)?;
    Ok(file)
}

/// Each that can be had.
pub(super) fn in_folder(folder: &Path, service: &str, is_told: bool) -> impl Iterator<Item = Left> {
    let files = fs::read_dir(folder).into_iter().flatten().flatten();
    let paths = files.map(|file| file.path());
    let journals = paths.filter(|path| path.extension().is_some_and(|end| end == EXTENSION));
    journals.filter_map(move |path| match Left::read(path.clone(), service) {
        Ok(left) => left,
        // Another process was faster.
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => {
            if is_told {
                complain(&path, &error);
            }
            None
        }
    })
}

fn complain(journal: &Path, error: &io::Error) {
    let journal = journal.display();
    diagnostics::warn(&format!(
        "the journal {journal} cannot be read or removed: {error}"
    ));
}
