//! Where ended spans wait for the exporting thread: a lane for each thread.
//!
//! A lane is a row of chunks. One thread writes into the last of them, and says how far it is by a number that it stores
//! after the words before; the exporting thread reads up to there. Neither waits for the other, nor writes what the other
//! writes. All under one bound: see [`Quota`](super::quota::Quota).

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use opentelemetry::InstrumentationScope;

use super::Core;
use super::attributes::{self, Attributes};
use super::record::{Found, HEAD, Head, Origin};
use super::scope::{Label, Source, is_same};

/// The first chunk of a thread has so many words, each of the next ones twice as many as the one before.
const FIRST: usize = 256;

/// So many words are the most, unless one span is longer.
pub(super) const MOST: usize = 2048;

/// Words for spans, one record after the other.
#[derive(Debug)]
pub(super) struct Chunk {
    words: Box<[AtomicU64]>,
    /// How much is there to be read.
    written: AtomicU64,
    /// Of the tracers whose spans are in here.
    scopes: Mutex<Vec<Arc<InstrumentationScope>>>,
}

/// So many words and spans of a chunk.
#[derive(Clone, Copy, Debug, Default)]
struct Extent {
    words: usize,
    spans: usize,
}

impl Extent {
    #[inline]
    fn packed(self) -> u64 {
        (self.spans as u64) << 32 | self.words as u64
    }

    fn unpacked(packed: u64) -> Self {
        let part = |number: u64| usize::try_from(number & u64::from(u32::MAX)).unwrap_or(0);
        Self {
            words: part(packed),
            spans: part(packed >> 32),
        }
    }
}

impl Chunk {
    pub(super) fn new(words: usize) -> Self {
        Self {
            words: (0..words).map(|_| AtomicU64::new(0)).collect(),
            written: AtomicU64::new(0),
            scopes: Mutex::new(Vec::new()),
        }
    }

    /// Makes room for other spans, once all have been read.
    pub(super) fn clear(&self) {
        self.written.store(0, Ordering::Relaxed);
        self.scopes().clear();
    }

    pub(super) fn bytes(&self) -> usize {
        size_of_val(&*self.words)
    }

    /// Whether it is of the size that is used most.
    pub(super) fn is_regular(&self) -> bool {
        self.words.len() == MOST
    }

    fn written(&self) -> Extent {
        Extent::unpacked(self.written.load(Ordering::Acquire))
    }

    /// A panic elsewhere leaves nothing half done here.
    fn scopes(&self) -> MutexGuard<'_, Vec<Arc<InstrumentationScope>>> {
        self.scopes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a thread shares with the exporting thread.
#[derive(Debug, Default)]
pub(super) struct Lane(Mutex<Row>);

/// Chunks, the oldest first.
#[derive(Debug, Default)]
struct Row {
    chunks: VecDeque<Arc<Chunk>>,
    /// How much of the oldest one was read.
    read: Extent,
}

impl Lane {
    /// How many spans wait.
    pub(super) fn len(&self) -> usize {
        let row = self.lock();
        let written: usize = row.chunks.iter().map(|chunk| chunk.written().spans).sum();
        written - row.read.spans
    }

    /// Takes out what can be read. `is_left` says that nobody writes any more.
    pub(super) fn drain(&self, is_left: bool, into: &mut Vec<Part>) {
        let mut row = self.lock();
        while let Some(chunk) = row.chunks.front() {
            let written = chunk.written();
            // Who writes has gone on to the next one, or will with the next span.
            let has_room = chunk.words.len() - written.words >= HEAD;
            let is_full = row.chunks.len() > 1 || is_left || !has_room;
            if written.words > row.read.words || is_full {
                into.push(Part {
                    chunk: Arc::clone(chunk),
                    scopes: chunk.scopes().clone(),
                    words: row.read.words..written.words,
                    spans: written.spans - row.read.spans,
                    is_last: is_full,
                });
            }
            if !is_full {
                row.read = written;
                return;
            }
            row.read = Extent::default();
            row.chunks.pop_front();
        }
    }

    /// A panic elsewhere leaves nothing half done here.
    fn lock(&self) -> MutexGuard<'_, Row> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Some of the spans of a chunk, on their way out.
#[derive(Debug)]
pub(super) struct Part {
    pub(super) chunk: Arc<Chunk>,
    scopes: Vec<Arc<InstrumentationScope>>,
    words: Range<usize>,
    pub(super) spans: usize,
    /// Whether the chunk holds no others.
    pub(super) is_last: bool,
}

impl Part {
    /// Each span.
    pub(super) fn spans(&self) -> impl Iterator<Item = Found<'_>> {
        let mut rest = &self.chunk.words[self.words.clone()];
        std::iter::from_fn(move || {
            let (found, after) = Found::first(rest)?;
            rest = after;
            Some(found)
        })
    }

    /// Where a span comes from; `labels` are those of all sites.
    pub(super) fn origin<'a>(
        &'a self,
        of: Origin,
        labels: &[&'static Label],
    ) -> Option<Sourced<'a>> {
        let at = |index: u32| usize::try_from(index).ok();
        Some(match of {
            Origin::Site(index) => {
                let label = labels.get(at(index)?)?;
                Sourced {
                    scope: label.scope,
                    name: Some(label.name),
                    constants: &label.constants,
                }
            }
            Origin::NamedSite(index) => {
                let label = labels.get(at(index)?)?;
                Sourced {
                    scope: label.scope,
                    name: None,
                    constants: &label.constants,
                }
            }
            Origin::Tracer(index) => Sourced {
                scope: self.scopes.get(at(index)?)?,
                name: None,
                constants: &attributes::NONE,
            },
        })
    }
}

/// What a span has of where it comes from.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sourced<'a> {
    pub(super) scope: &'a InstrumentationScope,
    /// Unless the span has one of its own.
    pub(super) name: Option<&'static str>,
    pub(super) constants: &'static Attributes,
}

/// The end of a lane that a thread writes to.
#[derive(Debug)]
pub(super) struct Writer {
    core: &'static Core,
    lane: Arc<Lane>,
    /// The newest one of the lane.
    chunk: Arc<Chunk>,
    written: Extent,
    /// There is room for so many more spans.
    spans_left: usize,
    /// The scope of a tracer that came last, and its place in the chunk.
    scope: Option<(Arc<InstrumentationScope>, u32)>,
}

impl Writer {
    /// Starts a lane; it has no chunk yet.
    pub(super) fn new(core: &'static Core, lane: Arc<Lane>) -> Self {
        Self {
            core,
            lane,
            chunk: Arc::new(Chunk::new(0)),
            written: Extent::default(),
            spans_left: 0,
            scope: None,
        }
    }

    pub(super) fn is_of(&self, core: &'static Core) -> bool {
        std::ptr::eq(self.core, core)
    }

    /// Adds a span: its head, but for the origin that `source` says, and its entries. One for which there is no room is
    /// dropped, and counted; the answer is whether there was.
    #[inline]
    pub(super) fn push(
        &mut self,
        source: &Source,
        is_named: bool,
        head: impl FnOnce(Origin) -> Head,
        entries: &[u64],
    ) -> bool {
        if !self.has_room_for(entries.len()) {
            return false;
        }
        let origin = match source {
            Source::Site(label) if is_named => Origin::NamedSite(label.index),
            Source::Site(label) => Origin::Site(label.index),
            Source::Tracer(scope) => Origin::Tracer(self.place(scope)),
        };
        self.write(&head(origin), entries);
        true
    }

    /// Makes sure that there is room for a span with so many words of entries. Where there is none, it counts as dropped.
    #[inline(always)]
    pub(super) fn has_room_for(&mut self, entries: usize) -> bool {
        let length = HEAD + entries;
        let has_room = self.spans_left > 0 && self.chunk.words.len() - self.written.words >= length;
        has_room || self.make_room(length)
    }

    /// Adds a span for which there is room.
    #[inline(always)]
    pub(super) fn write(&mut self, head: &Head, entries: &[u64]) {
        let end = self.written.words + HEAD + entries.len();
        head.write(entries, &self.chunk.words[self.written.words..end]);
        self.written.words = end;
        self.written.spans += 1;
        self.spans_left -= 1;
        self.chunk
            .written
            .store(self.written.packed(), Ordering::Release);
    }

    /// Takes room for a span of so many words, and for some to come; the answer is whether there was.
    #[cold]
    fn make_room(&mut self, length: usize) -> bool {
        let has_room = self.take_room(length).is_some();
        if has_room {
            self.core.took();
        } else {
            self.core.dropped();
        }
        has_room
    }

    fn take_room(&mut self, length: usize) -> Option<()> {
        if self.spans_left == 0 {
            self.spans_left = self.core.quota.take_spans()?;
        }
        if self.chunk.words.len() - self.written.words < length {
            let grown = (self.chunk.words.len() * 2).clamp(FIRST, MOST);
            // A thread that waits sits on the last one, so that many threads have small ones.
            let regular = if self.core.quota.is_tight() {
                FIRST
            } else {
                grown
            };
            let regular = regular.max(length);
            let chunk = [regular, length]
                .into_iter()
                .find_map(|words| self.core.chunk(words))?;
            self.lane.lock().chunks.push_back(Arc::clone(&chunk));
            self.chunk = chunk;
            self.written = Extent::default();
            self.scope = None;
        }
        Some(())
    }

    /// Where the chunk has the scope of a tracer.
    fn place(&mut self, scope: &Arc<InstrumentationScope>) -> u32 {
        if let Some((last, place)) = &self.scope
            && (Arc::ptr_eq(last, scope) || is_same(last, scope))
        {
            return *place;
        }
        let mut scopes = self.chunk.scopes();
        let place = u32::try_from(scopes.len()).unwrap_or(u32::MAX);
        scopes.push(Arc::clone(scope));
        self.scope = Some((Arc::clone(scope), place));
        place
    }
}

/// Others may have the room that was not used.
impl Drop for Writer {
    fn drop(&mut self) {
        self.core.quota.give_back_spans(self.spans_left);
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use opentelemetry::trace::{SpanId, TraceFlags, TraceId};

    use super::super::Room;
    use super::super::tests::core;
    use super::*;

    fn tracer(name: &'static str) -> Source {
        Source::Tracer(Arc::new(InstrumentationScope::builder(name).build()))
    }

    fn head(number: u64, origin: Origin) -> Head {
        Head {
            trace_id: TraceId::from(u128::from(number) << 64 | 7),
            span_id: SpanId::from(number),
            parent: SpanId::from(number / 2),
            parent_is_remote: number.is_multiple_of(2),
            trace_flags: TraceFlags::new(3),
            kind: 5,
            start: number,
            end: u64::MAX - number,
            origin,
        }
    }

    /// Pushes a span with so many words of entries, each of them its number.
    /// The answer is whether there was room for it.
    fn push(writer: &mut Writer, source: &Source, number: u64, words: usize) -> bool {
        let dropped = writer.core.counts().dropped;
        let entries = vec![number; words];
        let is_pushed = writer.push(source, true, |origin| head(number, origin), &entries);
        assert_eq!(is_pushed, writer.core.counts().dropped == dropped);
        is_pushed
    }

    /// Number, scope and words of entries of each span; all else is as it was written.
    fn read(parts: &[Part]) -> Vec<(u64, String, usize)> {
        let read = |part: &Part, found: Found<'_>| {
            let read = found.head.read();
            let number = u64::from_be_bytes(read.span_id.to_bytes());
            assert_eq!(read, head(number, read.origin));
            let entries = found.entries.0;
            let is_number = |word: &AtomicU64| word.load(Ordering::Relaxed) == number;
            assert!(entries.iter().all(is_number));
            let source = part.origin(read.origin, &[]).expect("a scope");
            assert_eq!(source.name, None);
            (number, source.scope.name().to_owned(), entries.len())
        };
        let spans = parts
            .iter()
            .flat_map(|part| part.spans().map(move |span| (part, span)));
        spans.map(|(part, span)| read(part, span)).collect()
    }

    #[test]
    fn spans_come_out_as_they_went_in() {
        let core = core(100_000);
        let mut writer = core.new_writer();
        let scopes = ["one", "one", "two", "one"];
        let mut expected = Vec::new();
        for number in 0..10_000_usize {
            let scope = scopes[number % scopes.len()];
            // Once one that no usual chunk could hold.
            let length = if number == 5_000 {
                100_003
            } else {
                number % 50
            };
            assert!(push(&mut writer, &tracer(scope), number as u64, length));
            expected.push((number as u64, scope.to_owned(), length));
            // Now and then what is there so far is taken.
            if number % 3_333 == 0 {
                let parts = core.drain();
                assert_eq!(read(&parts), expected);
                core.recycle(parts);
                expected.clear();
            }
        }
        drop(writer);
        let parts = core.drain();
        assert_eq!(read(&parts), expected);
        core.quota.release(Room {
            spans: 10_000,
            bytes: 0,
        });
        core.recycle(parts);
        assert_eq!(core.quota.taken(), Room::default());
        assert_eq!(core.drain().len(), 0);
    }

    #[test]
    fn one_thread_writes_while_another_reads() {
        const SPANS: u64 = 200_000;
        let core = core(usize::MAX);
        let mut read_so_far = 0;
        thread::scope(|scope| {
            let writing = scope.spawn(|| {
                let mut writer = core.new_writer();
                let source = tracer("scope");
                for number in 0..SPANS {
                    push(&mut writer, &source, number, 9);
                    assert!(number % 1_000 != 0 || core.counts().recorded > number);
                }
            });
            while read_so_far < SPANS {
                let ended = writing.is_finished();
                let parts = core.drain();
                for (number, _, _) in read(&parts) {
                    assert_eq!(number, read_so_far);
                    read_so_far += 1;
                }
                core.recycle(parts);
                assert!(!ended || read_so_far == SPANS, "{read_so_far}");
            }
        });
        assert_eq!(core.counts().recorded, SPANS);
    }

    #[test]
    fn no_more_spans_than_the_bound_are_kept() {
        let core = core(10);
        let mut writers = [core.new_writer(), core.new_writer()];
        let source = tracer("scope");
        let kept = (0..20)
            .filter(|&number| {
                let writer = &mut writers[usize::from(number % 2 == 0)];
                push(writer, &source, number, 0)
            })
            .count();
        assert_eq!(kept, 10);
        // What was drained still counts until it is given back.
        let parts = core.drain();
        assert_eq!(read(&parts).len(), 10);
        assert!(!push(&mut writers[0], &source, 0, 0));
        core.quota.release(Room { spans: 1, bytes: 0 });
        assert!(push(&mut writers[0], &source, 0, 0));
    }

    #[test]
    fn no_more_bytes_than_the_bound_are_kept() {
        let core = core(100);
        let mut writer = core.new_writer();
        let source = tracer("scope");
        let half = super::super::MAX_BYTES / 2 / size_of::<u64>();
        assert!(push(&mut writer, &source, 0, half));
        assert!(!push(&mut writer, &source, 1, half));
        assert!(push(&mut writer, &source, 2, half / 2));
        let parts = core.drain();
        assert_eq!(read(&parts).len(), 2);
        // The memory of the last one may be written to as long as the thread lives.
        core.recycle(parts);
        assert!(!push(&mut writer, &source, 3, half * 2));
        assert!(push(&mut writer, &source, 3, half));
    }

    #[test]
    fn the_room_of_what_was_exported_is_given_back() {
        let core = core(1_000);
        let mut writer = core.new_writer();
        // Longer than others: its chunk has no room for another.
        assert!(push(&mut writer, &tracer("a"), 1, 100_000));
        let parts = core.drain();
        assert_eq!(read(&parts).len(), 1);
        core.recycle(parts);
        assert_eq!(core.quota.taken().bytes, 0);
        assert!(push(&mut writer, &tracer("a"), 2, 3));
        let parts = core.drain();
        assert_eq!(read(&parts), [(2, "a".to_owned(), 3)]);
        core.recycle(parts);
        // The thread may go on here.
        assert_eq!(core.quota.taken().bytes, MOST * size_of::<u64>());
    }

    #[test]
    fn threads_take_little_where_there_are_many() {
        let core = core(100_000);
        let (source, entries) = (tracer("a"), [0; 300]);
        let mut writers: Vec<_> = (0..8_000).map(|_| core.new_writer()).collect();
        for some in writers.chunks_mut(1_000) {
            for writer in some {
                // As many as fill the chunks that a thread takes one after the other.
                for number in 0..8 {
                    let head = |origin| head(number, origin);
                    assert!(writer.push(&source, true, head, &entries));
                }
            }
            core.recycle(core.drain());
        }
    }
}
