//! What a span gathers until it ends: entries, one after the other, as words.
//!
//! They are made to be written fast, by the thread that is traced. What OTLP wants is made of them by the exporting thread:
//! see [`encode`](super::encode). An entry is a header, which says what follows and how long it is, and the words it says. A
//! text takes as many words as its bytes need; of one that does not fill its last word that word holds the last eight bytes,
//! so that some stand there twice, and those of a text of less than eight bytes stand alone.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};

use opentelemetry::trace::SpanContext;
use opentelemetry::{Array, KeyValue, Value};

use super::field::any_value::{ARRAY, BOOL, DOUBLE, INT, STRING};
use super::field::array_value::VALUES;
use super::limits::AttributeLimits;
use super::record::flags;
use super::wire;

const WORD: usize = size_of::<u64>();

/// What an entry is, in the lowest byte of its header.
mod tag {
    pub(super) const BOOL: u8 = 0;
    pub(super) const INT: u8 = 1;
    pub(super) const DOUBLE: u8 = 2;
    pub(super) const STRING: u8 = 3;
    pub(super) const ENCODED: u8 = 4;
    pub(super) const EVENT: u8 = 5;
    pub(super) const LINK: u8 = 6;
    pub(super) const NAME: u8 = 7;
    pub(super) const TRACE_STATE: u8 = 8;
    pub(super) const STATUS: u8 = 9;
    pub(super) const DROPPED: u8 = 10;
}

/// The longest text of the first kind in a header, and of the second.
const MOST_SHORT: usize = (1 << 24) - 1;
const MOST: usize = u32::MAX as usize;

/// Of a span, or the attributes of an event or a link.
#[derive(Clone, Debug, Default)]
#[repr(C)]
pub(crate) struct Entries {
    words: Vec<u64>,
    kept: u32,
    dropped: u32,
    /// Of the attributes.
    limits: AttributeLimits,
    /// For values that are formatted before their length is known.
    text: String,
}

/// The place of one attribute. Nothing is written until it gets its value.
#[derive(Debug)]
pub(crate) struct Attribute<'a> {
    list: &'a mut Entries,
    key: &'a str,
}

impl Entries {
    pub(super) fn new(limits: AttributeLimits) -> Self {
        Self {
            limits,
            ..Self::default()
        }
    }

    /// For what is no part of a span.
    pub(super) fn unlimited() -> Self {
        Self::new(AttributeLimits {
            count: u32::MAX,
            length: None,
        })
    }

    /// Counts attributes that the span has from the start.
    #[inline(always)]
    pub(super) fn start_with(&mut self, attributes: u32) {
        self.kept = attributes;
    }

    /// Forgets all that is in here.
    pub(super) fn start(&mut self, limits: AttributeLimits) {
        self.words.clear();
        self.limits = limits;
        self.kept = 0;
        self.dropped = 0;
    }

    pub(super) fn words(&self) -> &[u64] {
        &self.words
    }

    /// How much memory it holds on to, in bytes.
    pub(super) fn capacity(&self) -> usize {
        self.words.capacity() * WORD + self.text.capacity()
    }

    /// Adds an attribute.
    #[inline]
    pub(crate) fn attribute<'a>(&'a mut self, key: &'a str) -> Attribute<'a> {
        Attribute { list: self, key }
    }

    /// Adds an attribute whose value is formatted.
    pub(crate) fn formatted(&mut self, key: &str, value: fmt::Arguments<'_>) {
        let mut text = std::mem::take(&mut self.text);
        text.clear();
        // What was written before an error is better than nothing.
        let _ = fmt::write(&mut text, value);
        self.attribute(key).string(&text);
        self.text = text;
    }

    pub(super) fn extend(&mut self, attributes: impl IntoIterator<Item = KeyValue>) {
        for attribute in attributes {
            self.attribute(attribute.key.as_str())
                .value(&attribute.value);
        }
    }

    /// Adds the attributes of another list.
    pub(super) fn append(&mut self, other: &Self) {
        if self.limits.count - self.kept >= other.kept {
            self.words.extend_from_slice(&other.words);
            self.kept += other.kept;
        } else {
            for (_, attribute) in other.each() {
                if self.admit() {
                    self.copy(attribute);
                }
            }
        }
        self.dropped += other.dropped;
    }

    /// Each attribute, event and link.
    pub(super) fn each(&self) -> impl Iterator<Item = (Kind, &[u64])> {
        let mut rest = &self.words[..];
        std::iter::from_fn(move || {
            let (kind, length) = Header::read(*rest.first()?).extent()?;
            let (entry, after) = rest.split_at_checked(length)?;
            rest = after;
            Some((kind, entry))
        })
    }

    /// Adds an entry of another list, which has been admitted.
    pub(super) fn copy(&mut self, entry: &[u64]) {
        self.words.extend_from_slice(entry);
    }

    /// Counts attributes that another list had no room for.
    pub(super) fn drop_more(&mut self, attributes: u32) {
        self.dropped += attributes;
    }

    /// An event with attributes that are in a list; `time` is in nanoseconds since the epoch.
    pub(super) fn listed_event(&mut self, name: &str, time: u64, attributes: &Self) {
        let name = cut(name, MOST_SHORT);
        let end = attributes.end();
        let following = attributes.words.len() + usize::from(end.is_some());
        self.words.push(header(tag::EVENT, name.len(), following));
        self.words.push(time);
        push_text(&mut self.words, name.as_bytes());
        self.words.extend_from_slice(&attributes.words);
        self.words.extend(end);
    }

    /// An event; `time` is in nanoseconds since the epoch.
    pub(super) fn event(
        &mut self,
        name: &str,
        time: u64,
        limits: AttributeLimits,
        attributes: Vec<KeyValue>,
    ) {
        let name = cut(name, MOST_SHORT);
        let place = self.words.len();
        self.words.push(0);
        self.words.push(time);
        push_text(&mut self.words, name.as_bytes());
        let following = self.extend_within(limits, attributes);
        self.words[place] = header(tag::EVENT, name.len(), following);
    }

    pub(super) fn link(
        &mut self,
        target: &SpanContext,
        limits: AttributeLimits,
        attributes: Vec<KeyValue>,
    ) {
        let state = target.trace_state().header();
        let state = cut(&state, MOST_SHORT);
        let place = self.words.len();
        self.words.push(0);
        push_text(&mut self.words, &target.trace_id().to_bytes());
        push_text(&mut self.words, &target.span_id().to_bytes());
        let flags = flags(target.trace_flags(), target.is_remote());
        self.words.push(u64::from(flags));
        push_text(&mut self.words, state.as_bytes());
        let following = self.extend_within(limits, attributes);
        self.words[place] = header(tag::LINK, state.len(), following);
    }

    /// Adds attributes of something within the span, which has limits of its own; the answer is how many words they take.
    fn extend_within(&mut self, limits: AttributeLimits, attributes: Vec<KeyValue>) -> usize {
        let start = self.words.len();
        let mut within = Self {
            words: std::mem::take(&mut self.words),
            ..Self::new(limits)
        };
        within.extend(attributes);
        within.words.extend(within.end());
        self.words = within.words;
        self.words.len() - start
    }

    pub(super) fn name(&mut self, name: &str) {
        self.text_of(tag::NAME, 0, name);
    }

    pub(super) fn trace_state(&mut self, state: &str) {
        self.text_of(tag::TRACE_STATE, 0, state);
    }

    /// `code` as OTLP has it.
    pub(super) fn status(&mut self, code: u64, message: &str) {
        self.text_of(tag::STATUS, usize::try_from(code).unwrap_or(0), message);
    }

    /// How many of a span's attributes, events or links there was no room for; `field` is that of OTLP.
    pub(super) fn dropped(&mut self, field: u8, count: u32) {
        if count > 0 {
            self.words.push(dropped(field, count));
        }
    }

    /// How many attributes there was no room for.
    pub(super) fn dropped_attributes(&self) -> u32 {
        self.dropped
    }

    /// What stands after the attributes of an event or a link.
    fn end(&self) -> Option<u64> {
        (self.dropped > 0).then(|| dropped(0, self.dropped))
    }

    fn text_of(&mut self, tag: u8, more: usize, text: &str) {
        let text = cut(text, MOST);
        self.words.push(header(tag, more, text.len()));
        push_text(&mut self.words, text.as_bytes());
    }

    /// Whether there is room for one more attribute.
    #[inline(always)]
    pub(super) fn admit(&mut self) -> bool {
        let admitted = self.kept < self.limits.count;
        if admitted {
            self.kept += 1;
        } else {
            self.dropped += 1;
        }
        admitted
    }
}

impl Attribute<'_> {
    #[inline(always)]
    pub(crate) fn bool(self, value: bool) {
        self.one(tag::BOOL, usize::from(value), []);
    }

    #[inline(always)]
    pub(crate) fn i64(self, value: i64) {
        self.one(tag::INT, 0, [value.cast_unsigned()]);
    }

    #[inline(always)]
    pub(crate) fn f64(self, value: f64) {
        self.one(tag::DOUBLE, 0, [value.to_bits()]);
    }

    #[inline(always)]
    pub(crate) fn string(self, value: &str) {
        let value = cut(self.list.limits.cut(value), MOST);
        self.bytes(tag::STRING, value.as_bytes());
    }

    pub(crate) fn value(self, value: &Value) {
        match value {
            Value::Bool(value) => self.bool(*value),
            Value::I64(value) => self.i64(*value),
            Value::F64(value) => self.f64(*value),
            Value::String(value) => self.string(value.as_str()),
            Value::Array(values) => self.array(values),
            // The enum may grow.
            other => self.string(&other.as_str()),
        }
    }

    fn array(self, values: &Array) {
        match values {
            Array::Bool(values) => self.list(values, |out, _, value| {
                wire::number(out, BOOL, u64::from(*value));
            }),
            Array::I64(values) => self.list(values, |out, _, value| {
                wire::number(out, INT, value.cast_unsigned());
            }),
            Array::F64(values) => self.list(values, |out, _, value| {
                wire::fixed_64(out, DOUBLE, value.to_bits());
            }),
            Array::String(values) => self.list(values, |out, limits, value| {
                wire::bytes(out, STRING, limits.cut(value.as_str()).as_bytes());
            }),
            // The enum may grow.
            other => self.string(&other.to_string()),
        }
    }

    /// Lists are seldom: they are encoded at once.
    fn list<T>(self, values: &[T], write: impl Fn(&mut Vec<u8>, AttributeLimits, &T)) {
        let limits = self.list.limits;
        let mut encoded = Vec::new();
        wire::nested(&mut encoded, ARRAY, |out| {
            for value in values {
                wire::nested(out, VALUES, |out| write(out, limits, value));
            }
        });
        // Cut, it could not be read.
        if encoded.len() <= MOST {
            self.bytes(tag::ENCODED, &encoded);
        }
    }

    /// An attribute whose value is in the header, or one word.
    #[inline(always)]
    fn one<const N: usize>(self, tag: u8, value: usize, word: [u64; N]) {
        let Self { list, key } = self;
        if list.admit() {
            push_head(&mut list.words, tag, key, value, word);
        }
    }

    /// An attribute whose value follows.
    #[inline(always)]
    fn bytes(self, tag: u8, value: &[u8]) {
        let Self { list, key } = self;
        if list.admit() {
            push_head(&mut list.words, tag, key, value.len(), []);
            push_value(&mut list.words, value);
        }
    }
}

/// Inlined, as of a key that is a literal hardly anything is left to be done.
#[inline(always)]
fn push_head<const N: usize>(
    words: &mut Vec<u64>,
    tag: u8,
    key: &str,
    value: usize,
    word: [u64; N],
) {
    match Brief::new(key) {
        Some(key) => key.push(words, tag, value, word),
        None => push_long(words, tag, key, value, &word),
    }
}

#[cold]
#[inline(never)]
fn push_long(words: &mut Vec<u64>, tag: u8, key: &str, value: usize, word: &[u64]) {
    let key = cut(key, MOST_SHORT).as_bytes();
    words.push(header(tag, key.len(), value));
    push_text(words, key);
    words.extend_from_slice(word);
}

/// Bytes that fill one word or two; nearly all keys do.
#[derive(Clone, Copy)]
struct Brief {
    length: usize,
    words: [u64; 2],
    count: usize,
}

impl Brief {
    #[inline(always)]
    fn new(text: &str) -> Option<Self> {
        let bytes = text.as_bytes();
        let length = bytes.len();
        let (words, count) = match (bytes.first_chunk(), bytes.last_chunk()) {
            (Some(first), Some(last)) if length <= 2 * WORD => {
                let words = [u64::from_le_bytes(*first), u64::from_le_bytes(*last)];
                (words, if length == WORD { 1 } else { 2 })
            }
            (None, _) if length > 0 => ([short(bytes), 0], 1),
            _ => return None,
        };
        Some(Self {
            length,
            words,
            count,
        })
    }

    /// Adds an attribute with this key.
    #[inline(always)]
    fn push<const N: usize>(self, words: &mut Vec<u64>, tag: u8, value: usize, word: [u64; N]) {
        let header = header(tag, self.length, value);
        let after = word.first().copied().unwrap_or(0);
        let [first, second] = self.words;
        let end = words.len() + 1 + self.count + N;
        if words.capacity() - words.len() < 4 {
            grow(words, 4);
        }
        // Four words are written as fast as three; what is too much goes.
        words.extend_from_slice(&if self.count == 1 {
            [header, first, after, 0]
        } else {
            [header, first, second, after]
        });
        words.truncate(end);
    }
}

/// So much of a text as its length can be told of.
#[inline]
fn cut(text: &str, most: usize) -> &str {
    if text.len() <= most {
        text
    } else {
        &text[..text.floor_char_boundary(most)]
    }
}

#[inline]
fn header(tag: u8, short: usize, long: usize) -> u64 {
    u64::from(tag) | (short as u64) << 8 | (long as u64) << 32
}

fn dropped(field: u8, count: u32) -> u64 {
    u64::from(tag::DROPPED) | u64::from(field) << 8 | u64::from(count) << 32
}

#[cold]
#[inline(never)]
fn grow(words: &mut Vec<u64>, by: usize) {
    words.reserve(by);
}

#[inline]
fn push_text(words: &mut Vec<u64>, bytes: &[u8]) {
    let (whole, rest) = bytes.as_chunks::<WORD>();
    words.extend(whole.iter().map(|word| u64::from_le_bytes(*word)));
    if !rest.is_empty() {
        words.push(match bytes.last_chunk() {
            Some(last) => u64::from_le_bytes(*last),
            None => short(rest),
        });
    }
}

#[inline(never)]
fn push_value(words: &mut Vec<u64>, value: &[u8]) {
    let count = value.len().div_ceil(WORD);
    if words.capacity() - words.len() < count {
        grow(words, count);
    }
    push_text(words, value);
}

/// A word of one to seven bytes.
#[inline(always)]
fn short(bytes: &[u8]) -> u64 {
    let at = |index: usize| u64::from(bytes[index]) << (8 * index);
    match (bytes.first_chunk::<4>(), bytes.last_chunk::<4>()) {
        (Some(first), Some(last)) => {
            let last = u64::from(u32::from_le_bytes(*last));
            u64::from(u32::from_le_bytes(*first)) | last << (8 * (bytes.len() - 4))
        }
        _ => at(0) | at(bytes.len() / 2) | at(bytes.len() - 1),
    }
}

/// What a header says.
#[derive(Clone, Copy)]
struct Header {
    tag: u8,
    short: usize,
    long: u32,
}

impl Header {
    #[inline]
    fn read(word: u64) -> Self {
        let [tag, a, b, c, ..] = word.to_le_bytes();
        Self {
            tag,
            short: u32::from_le_bytes([a, b, c, 0]) as usize,
            long: u32::try_from(word >> 32).unwrap_or(0),
        }
    }

    /// What kind of entry it is, and how many words it takes.
    fn extent(self) -> Option<(Kind, usize)> {
        let long = usize::try_from(self.long).ok()?;
        let (kind, value) = match self.tag {
            tag::BOOL => (Kind::Attribute, 0),
            tag::INT | tag::DOUBLE => (Kind::Attribute, 1),
            tag::STRING | tag::ENCODED => (Kind::Attribute, long.div_ceil(WORD)),
            // The time.
            tag::EVENT => (Kind::Event, 1 + long),
            // The two ids and the flags.
            tag::LINK => (Kind::Link, 4 + long),
            _ => return None,
        };
        Some((kind, 1 + self.short.div_ceil(WORD) + value))
    }
}

/// What a span gathers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Kind {
    Attribute,
    Event,
    Link,
}

/// An entry as the exporting thread reads it.
#[derive(Debug)]
pub(super) enum Entry<'a> {
    Attribute(Text<'a>, Content<'a>),
    Event {
        time: u64,
        name: Text<'a>,
        attributes: Reader<'a>,
    },
    Link {
        trace_id: Text<'a>,
        span_id: Text<'a>,
        flags: u16,
        state: Text<'a>,
        attributes: Reader<'a>,
    },
    Name(Text<'a>),
    TraceState(Text<'a>),
    Status {
        code: u64,
        message: Text<'a>,
    },
    Dropped {
        field: u8,
        count: u32,
    },
}

/// The value of an attribute.
#[derive(Clone, Copy, Debug)]
pub(super) enum Content<'a> {
    Bool(bool),
    Int(u64),
    Double(u64),
    String(Text<'a>),
    /// An `AnyValue`.
    Encoded(Text<'a>),
}

/// Bytes, as words.
#[derive(Clone, Copy, Debug)]
pub(super) struct Text<'a> {
    words: &'a [AtomicU64],
    pub(super) length: usize,
}

impl Text<'_> {
    /// Needs no more memory than is there if there is room for one word more than the text.
    #[inline(always)]
    pub(super) fn copy(self, out: &mut Vec<u8>) {
        let end = out.len() + self.length;
        let mut rest = self.words;
        // Two words are written as fast as one.
        while let [one, other, after @ ..] = rest
            && !after.is_empty()
        {
            let both = [load(one), load(other)];
            out.extend_from_slice(both.map(u64::to_le_bytes).as_flattened());
            rest = after;
        }
        // The last word of several holds the last eight bytes, of which some are there already.
        let last = match self.words.len() {
            0 | 1 => 0,
            words => 8 * (words * WORD - self.length),
        };
        // Eight bytes are written faster than some of them; what is too much goes.
        match rest {
            [one, other] => {
                let both = [load(one), load(other) >> last];
                out.extend_from_slice(both.map(u64::to_le_bytes).as_flattened());
            }
            [one] => out.extend_from_slice(&(load(one) >> last).to_le_bytes()),
            _ => {}
        }
        out.truncate(end);
    }

    /// The first and the last eight bytes, which may overlap; of a shorter text what there is.
    #[inline]
    pub(super) fn ends(self) -> (u64, u64) {
        let end = |word: Option<&AtomicU64>| word.map_or(0, load);
        (end(self.words.first()), end(self.words.last()))
    }
}

#[inline]
fn load(word: &AtomicU64) -> u64 {
    // What was stored was published with the length of the lane.
    word.load(Ordering::Relaxed)
}

/// Reads entries one after the other; ends at what this crate does not write.
#[derive(Clone, Debug)]
pub(super) struct Reader<'a>(pub(super) &'a [AtomicU64]);

impl<'a> Reader<'a> {
    fn take(&mut self, words: usize) -> Option<&'a [AtomicU64]> {
        let (taken, rest) = self.0.split_at_checked(words)?;
        self.0 = rest;
        Some(taken)
    }

    fn word(&mut self) -> Option<u64> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(load(first))
    }

    fn text(&mut self, length: usize) -> Option<Text<'a>> {
        let words = self.take(length.div_ceil(WORD))?;
        Some(Text { words, length })
    }
}

impl<'a> Iterator for Reader<'a> {
    type Item = Entry<'a>;

    #[inline(always)]
    fn next(&mut self) -> Option<Entry<'a>> {
        let Header { tag, short, long } = Header::read(self.word()?);
        let length = usize::try_from(long).ok()?;
        Some(match tag {
            tag::BOOL => Entry::Attribute(self.text(short)?, Content::Bool(long != 0)),
            tag::INT => Entry::Attribute(self.text(short)?, Content::Int(self.word()?)),
            tag::DOUBLE => Entry::Attribute(self.text(short)?, Content::Double(self.word()?)),
            tag::STRING => Entry::Attribute(self.text(short)?, Content::String(self.text(length)?)),
            tag::ENCODED => {
                Entry::Attribute(self.text(short)?, Content::Encoded(self.text(length)?))
            }
            tag::EVENT => Entry::Event {
                time: self.word()?,
                name: self.text(short)?,
                attributes: Reader(self.take(length)?),
            },
            tag::LINK => Entry::Link {
                trace_id: self.text(2 * WORD)?,
                span_id: self.text(WORD)?,
                flags: u16::try_from(self.word()?).ok()?,
                state: self.text(short)?,
                attributes: Reader(self.take(length)?),
            },
            tag::NAME => Entry::Name(self.text(length)?),
            tag::TRACE_STATE => Entry::TraceState(self.text(length)?),
            tag::STATUS => Entry::Status {
                code: short as u64,
                message: self.text(length)?,
            },
            tag::DROPPED => Entry::Dropped {
                field: u8::try_from(short).ok()?,
                count: long,
            },
            _ => return None,
        })
    }
}
