//! A file with the spans that others name as their parents and that have not left the process yet.
//!
//! A span leaves some time after its end, its children before it, and what another process does in its context may leave that
//! process at any time. A process that is killed meanwhile would leave traces without parents behind. So before a context
//! goes to another process, and before the exporting thread sends a span, those above it are written to the journal, as they
//! were when they started, and once more when they end. What a killed process has left there is exported by the next one that
//! has the same folder and service.
//!
//! What is written is safe from the end of the process, not from that of the machine. What cannot be written is kept in memory,
//! and the file is written anew as soon as that is possible.

mod frame;
mod left;

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{self, Write as _};
#[cfg(unix)]
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{self, Path, PathBuf};
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
    path: PathBuf,
    /// What was written, in bytes.
    length: u64,
    /// What is to be kept.
    kept: u64,
    /// Whether something is not in the file that should be. Then nothing is added any more.
    is_behind: bool,
    /// What went wrong, and with which file.
    failure: Option<(PathBuf, io::Error)>,
    /// Whether a failure was told of this file.
    has_told: bool,
}

impl Log {
    /// A new file, which is known to be in use before others can see it.
    fn create(folder: &Path, service: &str, number: u64) -> io::Result<Self> {
        let name = format!("{}-{number}", process::id());
        let unseen = folder.join(format!("{name}.new"));
        let path = folder.join(format!("{name}.{EXTENSION}"));
        let mut options = File::options();
        options.create_new(true).append(true);
        // What spans tell is not for everybody.
        #[cfg(unix)]
        options.mode(0o600);
        let mut file = options.open(&unseen)?;
        let beginning = frame::beginning(service);
        let mut show = || {
            file.lock()?;
            file.write_all(&beginning)?;
            fs::rename(&unseen, &path)
        };
        if let Err(error) = show() {
            // What fails here has failed before.
            let _ = fs::remove_file(&unseen);
            return Err(error);
        }
        Ok(Self {
            file: Some(file),
            path,
            length: beginning.len() as u64,
            kept: 0,
            is_behind: false,
            failure: None,
            has_told: false,
        })
    }

    /// What was written before stays: that it arrives twice is better than not at all.
    fn write(&mut self, frames: &[u8]) {
        let Some(file) = self.file.as_mut().filter(|_| !self.is_behind) else {
            return;
        };
        match file.write_all(frames) {
            Ok(()) => self.length += frames.len() as u64,
            Err(error) => {
                // Of a frame that is cut off nothing is read.
                let _ = file.set_len(self.length);
                self.is_behind = true;
                self.fail(error);
            }
        }
    }

    fn fail(&mut self, error: io::Error) {
        if !self.has_told {
            self.has_told = true;
            self.failure = Some((self.path.clone(), error));
        }
    }

    /// Notices that the file was removed, so that nobody would find what is written.
    fn look_for_file(&mut self) {
        if self.file.as_ref().is_some_and(is_removed) && !self.is_behind {
            self.is_behind = true;
            self.fail(io::Error::other("it was removed"));
        }
    }

    /// Writes what is to be kept.
    fn add(&mut self, frames: &[u8]) {
        if !frames.is_empty() {
            self.write(frames);
            self.kept += frames.len() as u64;
        }
    }

    fn should_be_written_anew(&self) -> bool {
        self.file.is_some() && (self.is_behind || self.length > 2 * self.kept + WASTE)
    }

    fn remove(&mut self) {
        if let Some(file) = self.file.take()
            && let Err(error) = discard(&file, &self.path)
        {
            self.fail(error);
        }
    }
}

impl Journal {
    /// Makes a file in the folder, and the folder where there is none.
    pub(crate) fn create(folder: &Path, service: &str) -> io::Result<Self> {
        // The process may go to another directory.
        let folder = path::absolute(folder)?;
        fs::create_dir_all(&folder)?;
        let log = Log::create(&folder, service, clock::unix_nanos(SystemTime::now()))?;
        Ok(Self {
            folder,
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
        if !is_written {
            return;
        }
        let mut log = lock(&self.log);
        let frame = {
            let mut all = lock(&self.unsent);
            // It may have left meanwhile.
            let Some(unsent) = all.get_mut(&id) else {
                return;
            };
            log.kept -= unsent.frame.take().map_or(0, |frame| frame.len() as u64);
            unsent.first_frame().map(<[u8]>::to_vec)
        };
        log.add(&frame.unwrap_or_default());
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
        let mut done = Vec::new();
        {
            let mut unsent = lock(&self.unsent);
            for id in ids {
                if let Some(Unsent {
                    frame: Some(frame), ..
                }) = unsent.remove(&id)
                {
                    log.kept -= frame.len() as u64;
                    done.push(id);
                }
            }
        }
        if !done.is_empty() {
            log.write(&frame::done(&done));
        }
        log.look_for_file();
        if log.should_be_written_anew() {
            self.write_anew(&mut log);
        }
    }

    /// The old file is emptied last, so that whoever reads it then finds nothing. Where there can be no new one it stays.
    fn write_anew(&self, log: &mut Log) {
        let frames: Vec<u8> = {
            let unsent = lock(&self.unsent);
            let frames = unsent.values().filter_map(|unsent| unsent.frame.as_deref());
            frames.flatten().copied().collect()
        };
        let number = clock::unix_nanos(SystemTime::now());
        let created = fs::create_dir_all(&self.folder)
            .and_then(|()| Log::create(&self.folder, &self.service, number));
        let filled = created.and_then(|mut fresh| {
            fresh.add(&frames);
            match fresh.failure.take() {
                None => Ok(fresh),
                Some((_, error)) => {
                    fresh.remove();
                    Err(error)
                }
            }
        });
        match filled {
            Ok(mut fresh) => {
                // That is told still.
                fresh.failure = log.failure.take();
                std::mem::replace(log, fresh).remove();
            }
            Err(error) => log.fail(error),
        }
    }

    /// Looks for what was left in another folder.
    #[cfg(test)]
    pub(super) fn look_in(&mut self, folder: &Path) {
        folder.clone_into(&mut self.folder);
    }

    /// What went wrong since it was last asked.
    pub(super) fn failure(&self) -> Option<String> {
        let (path, failure) = lock(&self.log).failure.take()?;
        Some(format!("{}: {failure}", path.display()))
    }

    /// After the last export. What was not sent is left to the next process.
    pub(super) fn close(&self) {
        let mut log = lock(&self.log);
        log.look_for_file();
        if log.kept == 0 {
            log.remove();
        } else if log.is_behind {
            self.write_anew(&mut log);
        }
        log.file = None;
    }

    /// What processes of this service left in the folder that were killed. What cannot be read is told the first time.
    pub(super) fn left(&self, is_first: bool) -> impl Iterator<Item = Left> {
        left::in_folder(&self.folder, &self.service, is_first)
    }
}

/// Whether an open file is in no folder any more. Where that cannot be known, an open file cannot be removed.
#[cfg(unix)]
fn is_removed(file: &File) -> bool {
    file.metadata().is_ok_and(|found| found.nlink() == 0)
}

#[cfg(not(unix))]
fn is_removed(_: &File) -> bool {
    false
}

/// Empties a file before it removes it, so that nobody finds anything in it who opened it already.
fn discard(file: &File, path: &Path) -> io::Result<()> {
    file.set_len(0)?;
    fs::remove_file(path)
}

/// Adds the frames of a span and those above it that have not left; where one is written, so are those above.
///
/// Those above come first, as a kill may cut off what is being written.
fn add_with_parents(unsent: &mut HashMap<SpanId, Unsent>, id: SpanId, frames: &mut Vec<u8>) {
    let (mut next, start) = (id, frames.len());
    while let Some(unsent) = unsent.get_mut(&next) {
        let Some(frame) = unsent.first_frame() else {
            return;
        };
        let length = frame.len();
        frames.extend_from_slice(frame);
        frames[start..].rotate_right(length);
        next = unsent.known.head.parent;
    }
}

#[cfg(test)]
pub(super) mod tests;
