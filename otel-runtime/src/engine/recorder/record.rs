//! A span that has ended, as it waits for the exporting thread: some numbers, and what it gathered.

use std::sync::atomic::{AtomicU64, Ordering};

use opentelemetry::InstrumentationScope;
use opentelemetry::trace::{SpanId, TraceFlags, TraceId};

use super::entries::Reader;
use super::{field, wire};

/// So many words have a meaning of their own. The entries follow.
pub(super) const HEAD: usize = 8;

/// What the fields take that every span has: trace id, span id, kind, start, end and flags.
pub(super) const FIXED: usize = 18 + 10 + 2 + 9 + 9 + 6;

/// The parent's id.
pub(super) const PARENT: usize = 10;

/// What every span has.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Head {
    pub(super) trace_id: TraceId,
    pub(super) span_id: SpanId,
    /// Invalid where there is none.
    pub(super) parent: SpanId,
    pub(super) parent_is_remote: bool,
    pub(super) trace_flags: TraceFlags,
    /// As OTLP counts.
    pub(super) kind: u8,
    /// Nanoseconds since the epoch.
    pub(super) start: u64,
    pub(super) end: u64,
    pub(super) origin: Origin,
}

/// Where the scope of a span is found.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Origin {
    /// With the label of this number, which has the name as well.
    Site(u32),
    /// The same, but the name is among the fields.
    NamedSite(u32),
    /// Among the scopes of tracers that its chunk knows; the name is among the fields.
    Tracer(u32),
}

impl Origin {
    #[inline]
    fn new(kind: u8, index: u32) -> Self {
        match kind {
            0 => Self::Site(index),
            1 => Self::NamedSite(index),
            _ => Self::Tracer(index),
        }
    }
}

const REMOTE_PARENT: u8 = 1;

impl Head {
    /// Puts a record into words, of which there are as many as it needs.
    #[inline]
    pub(super) fn write(&self, entries: &[u64], words: &[AtomicU64]) {
        let (head, rest) = words.split_at(HEAD);
        let length = u32::try_from(entries.len()).unwrap_or(u32::MAX);
        for (word, value) in head.iter().zip(self.words(length)) {
            word.store(value, Ordering::Relaxed);
        }
        for (word, value) in rest.iter().zip(entries) {
            word.store(*value, Ordering::Relaxed);
        }
    }

    /// The numbers, for a file. Where the span comes from is not among them.
    pub(super) fn to_bytes(self) -> [u8; HEAD * 8] {
        let mut bytes = [0; HEAD * 8];
        let (chunks, _) = bytes.as_chunks_mut();
        for (chunk, word) in chunks.iter_mut().zip(self.words(0)) {
            *chunk = word.to_le_bytes();
        }
        bytes
    }

    /// The other way round; `None` where there are more bytes or less.
    pub(super) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (chunks, []) = bytes.as_chunks() else {
            return None;
        };
        let words: &[[u8; 8]; HEAD] = chunks.try_into().ok()?;
        Some(Self::read(words.map(u64::from_le_bytes)).0)
    }

    /// As it waits, with nothing after it.
    pub(super) fn waiting(self) -> [AtomicU64; HEAD] {
        self.words(0).map(AtomicU64::new)
    }

    #[inline]
    fn words(&self, entries: u32) -> [u64; HEAD] {
        let (origin, index) = match self.origin {
            Origin::Site(index) => (0, index),
            Origin::NamedSite(index) => (1, index),
            Origin::Tracer(index) => (2, index),
        };
        let remote = if self.parent_is_remote {
            REMOTE_PARENT
        } else {
            0
        };
        let flags = [self.trace_flags.to_u8(), remote, self.kind, origin];
        let (trace_high, trace_low) = halves(self.trace_id.to_bytes());
        [
            pair(entries, u32::from_le_bytes(flags)),
            u64::from(index),
            trace_high,
            trace_low,
            u64::from_be_bytes(self.span_id.to_bytes()),
            u64::from_be_bytes(self.parent.to_bytes()),
            self.start,
            self.end,
        ]
    }

    /// The other way round, with how many words of entries follow.
    #[inline]
    fn read(words: [u64; HEAD]) -> (Self, usize) {
        let [
            first,
            index,
            trace_high,
            trace_low,
            span,
            parent,
            start,
            end,
        ] = words;
        let (length, flags) = unpair(first);
        let [trace_flags, remote, kind, origin] = flags.to_le_bytes();
        let (index, _) = unpair(index);
        let trace = u128::from(trace_high) << 64 | u128::from(trace_low);
        let head = Self {
            trace_id: TraceId::from(trace),
            span_id: SpanId::from(span),
            parent: SpanId::from(parent),
            parent_is_remote: remote == REMOTE_PARENT,
            trace_flags: TraceFlags::new(trace_flags),
            kind,
            start,
            end,
            origin: Origin::new(origin, index),
        };
        (head, usize::try_from(length).unwrap_or(0))
    }
}

fn halves(bytes: [u8; 16]) -> (u64, u64) {
    let number = u128::from_be_bytes(bytes);
    // Neither is cut.
    let half = |half| u64::try_from(half).unwrap_or(0);
    (half(number >> 64), half(number & u128::from(u64::MAX)))
}

fn pair(low: u32, high: u32) -> u64 {
    u64::from(low) | u64::from(high) << 32
}

/// The two halves of a word, the lower one first.
fn unpair(word: u64) -> (u32, u32) {
    // Neither is cut.
    let half = |half| u32::try_from(half).unwrap_or(0);
    (half(word & u64::from(u32::MAX)), half(word >> 32))
}

/// A record at the beginning of some words.
#[derive(Debug)]
pub(super) struct Found<'a> {
    pub(super) head: Words<'a>,
    pub(super) entries: Reader<'a>,
}

/// The head of a record, where it waits.
#[derive(Clone, Copy, Debug)]
pub(super) struct Words<'a>(pub(super) &'a [AtomicU64; HEAD]);

impl Words<'_> {
    #[inline]
    fn load(self) -> [u64; HEAD] {
        self.0.each_ref().map(|word| word.load(Ordering::Relaxed))
    }

    #[inline]
    pub(super) fn read(self) -> Head {
        Head::read(self.load()).0
    }

    /// [`Head::origin`] alone.
    #[inline]
    pub(super) fn origin(self) -> Origin {
        let [first, index, ..] = self.0;
        let load = |word: &AtomicU64| unpair(word.load(Ordering::Relaxed));
        let [.., kind] = load(first).1.to_le_bytes();
        Origin::new(kind, load(index).0)
    }
}

impl<'a> Found<'a> {
    /// The first record, and the words after it; `None` where there are no more.
    #[inline]
    pub(super) fn first(words: &'a [AtomicU64]) -> Option<(Self, &'a [AtomicU64])> {
        let (head, rest) = words.split_first_chunk::<HEAD>()?;
        let head = Words(head);
        let (_, length) = Head::read(head.load());
        let (entries, rest) = rest.split_at_checked(length)?;
        let entries = Reader(entries);
        Some((Self { head, entries }, rest))
    }
}

/// A span that has ended, as it leaves.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Record<'a> {
    pub(super) head: Head,
    pub(super) scope: &'a InstrumentationScope,
    /// The name, where it is not among the fields.
    pub(super) name: Option<&'static str>,
    /// The fields of its OTLP message that are not of the head.
    pub(super) fields: &'a [u8],
}

impl Record<'_> {
    /// How long the OTLP message is.
    pub(super) fn length(&self) -> usize {
        let parent = match self.head.parent {
            SpanId::INVALID => 0,
            _ => PARENT,
        };
        let name = match self.name {
            None | Some("") => 0,
            Some(name) => wire::length(name.len()),
        };
        FIXED + parent + name + self.fields.len()
    }
}

/// The flags of a span or a link.
pub(super) fn flags(of: TraceFlags, is_remote: bool) -> u16 {
    let remote = if is_remote { field::IS_REMOTE } else { 0 };
    u16::from(of.to_u8()) | field::IS_REMOTE_KNOWN | remote
}
