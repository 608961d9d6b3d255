//! Attributes as OTLP has them: fields of a span, an event or a link, one after the other.

use std::collections::HashMap;

use super::entries::{Content, Entry, Reader, Text};
use super::field;
use super::field::any_value::{BOOL, DOUBLE, INT, STRING};
use super::field::key_value::{KEY, VALUE};
use super::wire::{self, Fields};

/// Up to so many attributes are compared with each other, as that needs no memory.
const FEW: u32 = 16;

/// Attributes of one list.
#[derive(Debug, Default)]
pub(super) struct Attributes {
    bytes: Vec<u8>,
    /// The number of the field in the message.
    field: u8,
    count: u32,
    /// A bit for each key, so that a key which comes again is noticed.
    keys: [u64; 2],
    may_repeat: bool,
}

/// Of spans that have none from the start.
pub(super) static NONE: Attributes = Attributes {
    bytes: Vec::new(),
    field: field::ATTRIBUTES,
    count: 0,
    keys: [0; 2],
    may_repeat: false,
};

impl Attributes {
    /// Forgets all that is in here.
    pub(super) fn start(&mut self, field: u8) {
        self.bytes.clear();
        self.field = field;
        self.count = 0;
        self.keys = [0; 2];
        self.may_repeat = false;
    }

    /// The same, with some of the same field from the start.
    pub(super) fn start_with(&mut self, some: &Self) {
        self.bytes.clear();
        self.bytes.extend_from_slice(&some.bytes);
        self.field = field::ATTRIBUTES;
        self.count = some.count;
        self.keys = some.keys;
        self.may_repeat = some.may_repeat;
    }

    pub(super) fn count(&self) -> u32 {
        self.count
    }

    /// Adds those of an event or a link; the answer is how many there was no room for.
    pub(super) fn read(&mut self, entries: Reader<'_>) -> u32 {
        let mut dropped = 0;
        for entry in entries {
            match entry {
                Entry::Attribute(key, value) => self.add(key, value),
                Entry::Dropped { count, .. } => dropped = count,
                _ => {}
            }
        }
        dropped
    }

    #[inline(always)]
    pub(super) fn add(&mut self, key: Text<'_>, value: Content<'_>) {
        let any = match value {
            Content::Bool(_) => 2,
            Content::Int(number) => 1 + wire::varint_length(number),
            Content::Double(_) => 9,
            Content::String(text) => wire::length(text.length),
            Content::Encoded(message) => message.length,
        };
        let content = wire::length(key.length) + wire::length(any);
        let out = &mut self.bytes;
        out.reserve(wire::length(content) + size_of::<u64>());
        // Most often one byte is enough for each length, so that they are written together.
        let is_short = content < 0x80;
        if is_short {
            out.extend_from_slice(&[
                wire::tag(self.field),
                wire::low_byte(content as u64),
                wire::tag(KEY),
                wire::low_byte(key.length as u64),
            ]);
        } else {
            wire::header(out, self.field, content);
            wire::header(out, KEY, key.length);
        }
        key.copy(out);
        match value {
            Content::Bool(value) => out.extend_from_slice(&[
                wire::tag(VALUE),
                2,
                wire::number_tag(BOOL),
                u8::from(value),
            ]),
            Content::String(text) if is_short => {
                out.extend_from_slice(&[
                    wire::tag(VALUE),
                    wire::low_byte(any as u64),
                    wire::tag(STRING),
                    wire::low_byte(text.length as u64),
                ]);
                text.copy(out);
            }
            Content::String(text) => {
                wire::header(out, VALUE, any);
                wire::header(out, STRING, text.length);
                text.copy(out);
            }
            Content::Int(number) => {
                wire::header(out, VALUE, any);
                wire::number(out, INT, number);
            }
            Content::Double(bits) => {
                wire::header(out, VALUE, any);
                wire::fixed_64(out, DOUBLE, bits);
            }
            Content::Encoded(message) => {
                wire::header(out, VALUE, any);
                message.copy(out);
            }
        }
        self.count += 1;
        let (word, bit) = bit(key);
        let keys = &mut self.keys[word];
        self.may_repeat |= *keys & bit != 0;
        *keys |= bit;
    }

    /// The fields of a list that is settled.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The fields, as they go into the message. Of a key that was set more than once there is the last value, in the place of
    /// the first.
    pub(super) fn settled(&mut self) -> &[u8] {
        if self.may_repeat && self.repeats() {
            self.settle();
        }
        &self.bytes
    }

    fn settle(&mut self) {
        let mut kept: Vec<Encoded<'_>> = Vec::new();
        let mut places = HashMap::new();
        for attribute in attributes(&self.bytes) {
            let place = *places.entry(attribute.key).or_insert(kept.len());
            if place < kept.len() {
                kept[place] = attribute;
            } else {
                kept.push(attribute);
            }
        }
        let mut bytes = Vec::with_capacity(self.bytes.len());
        for attribute in &kept {
            wire::bytes(&mut bytes, self.field, attribute.message);
        }
        self.count = u32::try_from(kept.len()).unwrap_or(u32::MAX);
        self.bytes = bytes;
        self.may_repeat = false;
    }

    fn repeats(&self) -> bool {
        if self.count > FEW {
            return true;
        }
        attributes(&self.bytes)
            .enumerate()
            .any(|(index, attribute)| {
                attributes(&self.bytes)
                    .take(index)
                    .any(|earlier| earlier.key == attribute.key)
            })
    }
}

/// An attribute that was written.
struct Encoded<'a> {
    key: &'a [u8],
    /// The `KeyValue`.
    message: &'a [u8],
}

fn attributes(bytes: &[u8]) -> impl Iterator<Item = Encoded<'_>> {
    Fields(bytes).filter_map(|(_, message)| {
        let message = message.bytes()?;
        let (_, key) = Fields(message).next()?;
        Some(Encoded {
            key: key.bytes()?,
            message,
        })
    })
}

/// One of 128 bits, in two words, that stands for a key.
#[inline]
fn bit(key: Text<'_>) -> (usize, u64) {
    const SPREAD: u64 = 0x9e37_79b9_7f4a_7c15;
    let (first, last) = key.ends();
    let sum = first.rotate_left(29) ^ last;
    let spread = (sum ^ key.length as u64).wrapping_mul(SPREAD);
    (usize::from(spread >> 63 == 1), 1 << (spread >> 57 & 63))
}

#[cfg(test)]
mod tests {
    use opentelemetry::{Array, KeyValue, Value};

    use super::super::entries::{Entries, Reader};
    use super::super::limits::AttributeLimits;
    use super::super::{decode, encode, field};

    fn list(count: u32, pairs: &[(&'static str, i64)]) -> Entries {
        let mut list = Entries::new(AttributeLimits {
            count,
            length: None,
        });
        for (key, value) in pairs {
            list.attribute(key).i64(*value);
        }
        list
    }

    #[track_caller]
    fn check(list: &Entries, dropped: u32, expected: &[(&'static str, i64)]) {
        let expected: Vec<_> = expected
            .iter()
            .map(|(key, value)| KeyValue::new(*key, *value))
            .collect();
        assert_eq!(
            decode::attributes(encode::attributes(list, 9).bytes()),
            expected
        );
        assert_eq!(list.dropped_attributes(), dropped);
    }

    #[test]
    fn the_last_value_of_a_key_wins() {
        let given = [("a", 1), ("b", 2), ("a", 3), ("c", 4), ("b", 5), ("a", 6)];
        check(&list(10, &given), 0, &[("a", 6), ("b", 5), ("c", 4)]);
        check(&list(10, &[]), 0, &[]);
        // Each value that was set counts, as it does in the SDK.
        check(&list(2, &given), 4, &[("a", 1), ("b", 2)]);
    }

    #[test]
    fn what_is_added_replaces_what_was_there_from_the_start() {
        let constants = encode::attributes(&list(10, &[("a", 1), ("b", 2)]), field::ATTRIBUTES);
        let added = list(10, &[("b", 3), ("c", 4)]);
        let words: Vec<_> = added.words().iter().map(|word| (*word).into()).collect();
        let mut out = Vec::new();
        let mut scratch = encode::Scratch::default();
        encode::fields(&constants, Reader(&words), &mut scratch, &mut out);
        let expected = [("a", 1), ("b", 3), ("c", 4)].map(|(key, value)| KeyValue::new(key, value));
        assert_eq!(decode::attributes(&out), expected);
        // The next span has them as they were.
        out.clear();
        encode::fields(&constants, Reader(&[]), &mut scratch, &mut out);
        assert_eq!(out, constants.bytes());
    }

    #[test]
    fn a_list_takes_of_another_what_it_has_room_for() {
        let mut all = list(4, &[("a", 1)]);
        all.append(&list(2, &[("a long key", 2), ("c", 3), ("d", 4)]));
        check(&all, 1, &[("a", 1), ("a long key", 2), ("c", 3)]);
        all.append(&list(9, &[("eight by", 5), ("f", 6)]));
        let expected = [("a", 1), ("a long key", 2), ("c", 3), ("eight by", 5)];
        check(&all, 2, &expected);
    }

    #[test]
    fn many_keys_stay_apart() {
        let keys: Vec<String> = (0..300).map(|number| format!("key.{number}")).collect();
        let mut all = list(1_000, &[]);
        for key in keys.iter().chain(&keys) {
            all.attribute(key).string(key);
        }
        let values = decode::attributes(encode::attributes(&all, 9).bytes());
        let values: Vec<_> = values.iter().map(|pair| pair.value.to_string()).collect();
        assert_eq!(values, keys);
    }

    #[test]
    fn texts_of_each_length_come_back() {
        for length in 0..70 {
            let text: String = ('a'..='z').cycle().take(length).collect();
            let key = format!("k{text}");
            let mut list = list(1, &[]);
            list.attribute(&key).string(&text);
            let read = decode::attributes(encode::attributes(&list, 9).bytes());
            assert_eq!(read, [KeyValue::new(key, text)]);
        }
    }

    #[test]
    fn texts_are_cut_by_characters() {
        for (length, expected) in [(0, ""), (4, "über"), (7, "übermut"), (8, "übermut")] {
            let length = Some(length);
            let mut list = Entries::new(AttributeLimits { count: 10, length });
            list.attribute("text").string("übermut");
            list.attribute("list")
                .value(&Value::Array(Array::String(vec!["übermut".into()])));
            let expected = [
                KeyValue::new("text", expected),
                KeyValue::new("list", Value::Array(Array::String(vec![expected.into()]))),
            ];
            assert_eq!(
                decode::attributes(encode::attributes(&list, 9).bytes()),
                expected
            );
        }
    }
}
