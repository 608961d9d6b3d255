//! A file with the spans that others name as their parents and that have not left the process yet.
//!
//! A span leaves some time after its end, its children before it, and what another process does in its context may leave that
//! process at any time. A process that is killed meanwhile would leave traces without parents behind. So before a context
//! goes to another process, and before the exporting thread sends a span, those above it are written to the journal, as they are
//! by then, and once more when they end. What a killed process has left there is exported by the next one that has the same
//! folder and service.
//!
//! What is written is safe from the end of the process, not from that of the machine.

mod frame;
mod left;

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process;
use std::sync::Mutex;
use std::time::SystemTime;

use opentelemetry::trace::SpanId;

pub(super) use self::frame::Known;
pub(super) use self::left::Left;
use super::export::Batch;
use super::{clock, lock};

/// What the files in the folder are called at the end.
const EXTENSION: &str = "journal";

/// The status of a span that was open when its process was killed.
const INTERRUPTED: &str = "the process ended before the span did";

/// A file may be so much longer than what is to be kept, in bytes, before it is written anew.
const WASTE: u64 = 1024 * 1024;

/// The journal of this process.
#[derive(Debug)]
pub(crate) struct Journal {
    folder: PathBuf,
    service: String,
    /// Taken before the other lock where both are needed.
    log: Mutex<Log>,
    unsent: Mutex<HashMap<SpanId, Unsent>>,
}

/// A span that has not left.
#[derive(Debug)]
struct Unsent {
    known: Known,
    /// As it was written last.
    frame: Option<Vec<u8>>,
    /// Whether it is in the batch that leaves.
    is_leaving: bool,
}

impl Unsent {
    /// What has to be written, if nothing was yet.
    fn first_frame(&mut self) -> Option<&[u8]> {
        if self.frame.is_some() {
            return None;
        }
        Some(self.frame.insert(frame::span(&self.known)))
    }
}

/// The file that is written to.
#[derive(Debug)]
struct Log {
    /// None after the end. It is locked as long as it is open.
    file: Option<File>,
    has_failed: bool,
    path: PathBuf,
    /// What was written, in bytes.
    length: u64,
    /// What of that is to be kept.
    kept: u64,
    failure: Option<io::Error>,
}

impl Log {
    /// A new file, which is known to be in use before others can see it.
    fn create(folder: &Path, service: &str, number: u64) -> io::Result<Self> {
        let name = format!("{}-{number}", process::id());
        let unseen = folder.join(format!("{name}.new"));
        let mut file = File::options()
            .create_new(true)
            .append(true)
            .open(&unseen)?;
        file.lock()?;
        let beginning = frame::beginning(service);
        file.write_all(&beginning)?;
        let path = folder.join(format!("{name}.{EXTENSION}"));
        fs::rename(unseen, &path)?;
        Ok(Self {
            file: Some(file),
            has_failed: false,
            path,
            length: beginning.len() as u64,
            kept: 0,
            failure: None,
        })
    }

    /// After a failure there is nothing in the file, since it would not be known what of it has left.
    fn write(&mut self, frames: &[u8]) {
        let Some(file) = self.file.as_mut().filter(|_| !self.has_failed) else {
            return;
        };
        match file.write_all(frames) {
            Ok(()) => self.length += frames.len() as u64,
            Err(error) => self.fail(error),
        }
    }

    fn fail(&mut self, error: io::Error) {
        self.failure = Some(error);
        self.has_failed = true;
        if let Some(file) = &self.file {
            // What fails here has failed before.
            let _ = file.set_len(0);
        }
    }

    /// Writes what is to be kept.
    fn add(&mut self, frames: &[u8]) {
        if !frames.is_empty() {
            self.write(frames);
            self.kept += frames.len() as u64;
        }
    }

    fn remove(&mut self) {
        if let Some(file) = self.file.take() {
            self.failure = discard(&file, &self.path).err();
        }
    }
}

impl Journal {
    /// Makes a file in the folder, and the folder where there is none.
    pub(crate) fn create(folder: &Path, service: &str) -> io::Result<Self> {
        fs::create_dir_all(folder)?;
        let log = Log::create(folder, service, clock::unix_nanos(SystemTime::now()))?;
        Ok(Self {
            folder: folder.to_owned(),
            service: service.to_owned(),
            log: Mutex::new(log),
            unsent: Mutex::default(),
        })
    }

    /// A span begins.
    pub(super) fn opens(&self, known: Known) {
        let id = known.head.span_id;
        let unsent = Unsent {
            known,
            frame: None,
            is_leaving: false,
        };
        lock(&self.unsent).insert(id, unsent);
    }

    /// A span has ended, and waits to be exported.
    pub(super) fn ends(&self, known: Known) {
        let id = known.head.span_id;
        let is_written = {
            let mut all = lock(&self.unsent);
            let Some(unsent) = all.get_mut(&id) else {
                return;
            };
            unsent.known = known;
            unsent.frame.is_some()
        };
        if is_written {
            let mut log = lock(&self.log);
            // It may have left meanwhile.
            if let Some(unsent) = lock(&self.unsent).get_mut(&id) {
                log.kept -= unsent.frame.take().map_or(0, |frame| frame.len() as u64);
                log.add(unsent.first_frame().unwrap_or_default());
            }
        }
    }

    /// The context of this span goes to another process.
    pub(super) fn context_leaves(&self, id: SpanId) {
        let mut log = lock(&self.log);
        let mut frames = Vec::new();
        add_with_parents(&mut lock(&self.unsent), id, &mut frames);
        log.add(&frames);
    }

    /// These spans are about to be sent.
    pub(super) fn batch_leaves(&self, batch: &Batch<'_>) {
        let mut log = lock(&self.log);
        let mut frames = Vec::new();
        let mut unsent = lock(&self.unsent);
        for head in batch.heads() {
            if let Some(unsent) = unsent.get_mut(&head.span_id) {
                unsent.is_leaving = true;
            }
        }
        for head in batch.heads() {
            // Those that leave together need nothing.
            let parent = unsent.get(&head.parent);
            if parent.is_some_and(|parent| !parent.is_leaving) {
                add_with_parents(&mut unsent, head.parent, &mut frames);
            }
        }
        drop(unsent);
        log.add(&frames);
    }

    /// They have been sent, or are lost.
    pub(super) fn batch_has_left(&self, batch: &Batch<'_>) {
        self.forget(batch.heads().map(|head| head.span_id));
    }

    /// These spans need not be kept any more.
    pub(super) fn forget(&self, ids: impl IntoIterator<Item = SpanId>) {
        let mut log = lock(&self.log);
        let mut unsent = lock(&self.unsent);
        let mut done = Vec::new();
        for id in ids {
            if let Some(Unsent {
                frame: Some(frame), ..
            }) = unsent.remove(&id)
            {
                log.kept -= frame.len() as u64;
                done.push(id);
            }
        }
        if !done.is_empty() {
            log.write(&frame::done(&done));
        }
        if log.length > 2 * log.kept + WASTE {
            self.write_anew(&mut log, &unsent);
        }
    }

    /// The old file is emptied last, so that whoever reads it then finds nothing.
    fn write_anew(&self, log: &mut Log, unsent: &HashMap<SpanId, Unsent>) {
        if log.file.is_none() || log.has_failed {
            return;
        }
        let number = clock::unix_nanos(SystemTime::now());
        let mut fresh = match Log::create(&self.folder, &self.service, number) {
            Ok(fresh) => fresh,
            Err(error) => return log.fail(error),
        };
        let frames: Vec<_> = unsent
            .values()
            .filter_map(|unsent| unsent.frame.as_deref())
            .collect();
        fresh.add(&frames.concat());
        let mut old = std::mem::replace(log, fresh);
        old.remove();
    }

    /// What went wrong since it was last asked.
    pub(super) fn failure(&self) -> Option<String> {
        let mut log = lock(&self.log);
        let failure = log.failure.take()?;
        Some(format!("{}: {failure}", log.path.display()))
    }

    /// After the last export. What was not sent is left to the next process.
    pub(super) fn close(&self) {
        let mut log = lock(&self.log);
        if log.kept == 0 || log.has_failed {
            log.remove();
        }
        log.file = None;
    }

    /// What processes of this service left in the folder that were killed. What cannot be read is told the first time.
    pub(super) fn left(&self, is_first: bool) -> impl Iterator<Item = Left> {
        left::in_folder(&self.folder, &self.service, is_first)
    }
}

/// Empties a file before it removes it, so that nobody finds anything in it who opened it already.
fn discard(file: &File, path: &Path) -> io::Result<()> {
    file.set_len(0)?;
    fs::remove_file(path)
}

/// Adds the frames of a span and those above it that have not left; where one is written, so are those above.
fn add_with_parents(unsent: &mut HashMap<SpanId, Unsent>, id: SpanId, frames: &mut Vec<u8>) {
    let mut next = id;
    while let Some(unsent) = unsent.get_mut(&next) {
        let Some(frame) = unsent.first_frame() else {
            return;
        };
        frames.extend_from_slice(frame);
        next = unsent.known.head.parent;
    }
}

#[cfg(test)]
mod tests;
