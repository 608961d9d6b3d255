//! A list of attributes, encoded as OTLP wants it while they come in.

use std::collections::HashMap;
use std::fmt;

use opentelemetry::{Array, KeyValue, Value};

use super::field::any_value::{ARRAY, BOOL, DOUBLE, INT, STRING};
use super::field::array_value::VALUES;
use super::field::key_value::{KEY, VALUE};
use super::limits::AttributeLimits;
use super::wire::{self, Fields};

/// Up to so many attributes are compared with each other, as that needs no memory.
const FEW: u32 = 16;

/// Attributes of a span, an event or a link: fields of that message, one after the other.
#[derive(Debug, Default)]
pub(crate) struct Attributes {
    bytes: Vec<u8>,
    /// For values that are formatted before their length is known.
    text: String,
    /// The number of the field in the message.
    field: u8,
    limits: AttributeLimits,
    kept: u32,
    dropped: u32,
    /// A bit for each key, so that a key which comes again is noticed.
    keys: [u64; 2],
    may_repeat: bool,
}

/// The place of one attribute. Nothing is written until it gets its value.
#[derive(Debug)]
pub(crate) struct Attribute<'a> {
    list: &'a mut Attributes,
    key: &'a str,
}

impl Attributes {
    /// Forgets all that is in here.
    pub(super) fn start(&mut self, field: u8, limits: AttributeLimits) {
        self.bytes.clear();
        self.field = field;
        self.limits = limits;
        self.kept = 0;
        self.dropped = 0;
        self.keys = [0; 2];
        self.may_repeat = false;
    }

    /// The fields, as they go into the message.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The same, for other fields of the message to follow.
    pub(super) fn sealed(&mut self) -> &mut Vec<u8> {
        &mut self.bytes
    }

    pub(super) fn capacity(&self) -> usize {
        self.bytes.capacity() + self.text.capacity()
    }

    /// How many there was no room for.
    pub(super) fn dropped(&self) -> u32 {
        self.dropped
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

    /// Adds the attributes of another list, which was written for the same field.
    pub(super) fn append(&mut self, other: &Self) {
        for attribute in attributes(&other.bytes) {
            if self.admit(attribute.key) {
                wire::bytes(&mut self.bytes, self.field, attribute.message);
            }
        }
        self.dropped += other.dropped;
    }

    pub(super) fn extend(&mut self, attributes: impl IntoIterator<Item = KeyValue>) {
        for attribute in attributes {
            self.attribute(attribute.key.as_str())
                .value(&attribute.value);
        }
    }

    /// Of a key that was set more than once keeps the last value, in the place of the first.
    pub(super) fn settle(&mut self) {
        if !self.may_repeat || !self.repeats() {
            return;
        }
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
        for attribute in kept {
            wire::bytes(&mut bytes, self.field, attribute.message);
        }
        self.bytes = bytes;
    }

    fn repeats(&self) -> bool {
        if self.kept > FEW {
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

    /// Notes a key; the answer is whether there is room for it.
    fn admit(&mut self, key: &[u8]) -> bool {
        if self.kept >= self.limits.count {
            self.dropped += 1;
            return false;
        }
        self.kept += 1;
        let (word, bit) = bit(key);
        let keys = &mut self.keys[word];
        self.may_repeat |= *keys & bit != 0;
        *keys |= bit;
        true
    }
}

impl Attribute<'_> {
    pub(crate) fn bool(self, value: bool) {
        self.any([wire::number_tag(BOOL), u8::from(value)], &[]);
    }

    pub(crate) fn i64(self, value: i64) {
        if let Ok(small @ 0..0x80) = u8::try_from(value) {
            self.any([wire::number_tag(INT), small], &[]);
        } else {
            let number = wire::Varint::new(value.cast_unsigned());
            self.any([wire::number_tag(INT)], number.bytes());
        }
    }

    pub(crate) fn f64(self, value: f64) {
        let mut head = [wire::fixed_64_tag(DOUBLE); 9];
        head[1..].copy_from_slice(&value.to_bits().to_le_bytes());
        self.any(head, &[]);
    }

    pub(crate) fn string(self, value: &str) {
        let value = self.list.limits.cut(value).as_bytes();
        match u8::try_from(value.len()) {
            Ok(length @ 0..0x80) => self.any([wire::tag(STRING), length], value),
            _ => self.nested(|out, _| wire::bytes(out, STRING, value)),
        }
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

    fn list<T>(self, values: &[T], write: impl Fn(&mut Vec<u8>, AttributeLimits, &T)) {
        self.nested(|out, limits| {
            wire::nested(out, ARRAY, |out| {
                for value in values {
                    wire::nested(out, VALUES, |out| write(out, limits, value));
                }
            });
        });
    }

    /// Writes an attribute whose `AnyValue` has these bytes, and these after them.
    #[inline]
    fn any<const N: usize>(self, head: [u8; N], rest: &[u8]) {
        /// A tag, and eight bytes.
        const MOST: usize = 9;
        let list = self.list;
        let key = self.key.as_bytes();
        let any = N + rest.len();
        // Most often one byte is enough for each length.
        let lengths = [4 + key.len() + any, key.len(), any].map(u8::try_from);
        let [Ok(content @ 0..0x80), Ok(of_key), Ok(of_any)] = lengths else {
            list.attribute(self.key).nested(|out, _| {
                out.extend_from_slice(&head);
                out.extend_from_slice(rest);
            });
            return;
        };
        if list.admit(key) {
            let out = &mut list.bytes;
            out.reserve(2 + usize::from(content));
            out.extend_from_slice(&[wire::tag(list.field), content, wire::tag(KEY), of_key]);
            out.extend_from_slice(key);
            let mut value = [0; 2 + MOST];
            value[0] = wire::tag(VALUE);
            value[1] = of_any;
            value[2..2 + N].copy_from_slice(&head);
            out.extend_from_slice(&value[..2 + N]);
            out.extend_from_slice(rest);
        }
    }

    /// Writes an attribute whose `AnyValue` is measured afterwards.
    fn nested(self, value: impl FnOnce(&mut Vec<u8>, AttributeLimits)) {
        let list = self.list;
        let key = self.key.as_bytes();
        if !list.admit(key) {
            return;
        }
        let limits = list.limits;
        wire::nested(&mut list.bytes, list.field, |out| {
            wire::bytes(out, KEY, key);
            wire::nested(out, VALUE, |out| value(out, limits));
        });
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
fn bit(key: &[u8]) -> (usize, u64) {
    const SPREAD: u64 = 0x9e37_79b9_7f4a_7c15;
    let sum = if let Some((first, last)) = ends::<8>(key) {
        u64::from_le_bytes(first).rotate_left(29) ^ u64::from_le_bytes(last)
    } else if let Some((first, last)) = ends::<4>(key) {
        u64::from(u32::from_le_bytes(first)) << 32 | u64::from(u32::from_le_bytes(last))
    } else {
        key.iter().fold(0, |sum, byte| sum << 8 | u64::from(*byte))
    };
    let spread = (sum ^ key.len() as u64).wrapping_mul(SPREAD);
    (usize::from(spread >> 63 == 1), 1 << (spread >> 57 & 63))
}

/// The first and the last bytes, which may overlap.
fn ends<const N: usize>(bytes: &[u8]) -> Option<([u8; N], [u8; N])> {
    Some((*bytes.first_chunk()?, *bytes.last_chunk()?))
}

#[cfg(test)]
mod tests {
    use super::super::decode;
    use super::*;

    fn list(count: u32, pairs: &[(&'static str, i64)]) -> Attributes {
        let mut list = Attributes::default();
        list.start(
            9,
            AttributeLimits {
                count,
                length: None,
            },
        );
        for (key, value) in pairs {
            list.attribute(key).i64(*value);
        }
        list
    }

    #[track_caller]
    fn check(list: &mut Attributes, dropped: u32, expected: &[(&'static str, i64)]) {
        list.settle();
        let expected: Vec<_> = expected
            .iter()
            .map(|(key, value)| KeyValue::new(*key, *value))
            .collect();
        assert_eq!(decode::attributes(list.bytes()), expected);
        assert_eq!(list.dropped(), dropped);
    }

    #[test]
    fn the_last_value_of_a_key_wins() {
        let given = [("a", 1), ("b", 2), ("a", 3), ("c", 4), ("b", 5), ("a", 6)];
        check(&mut list(10, &given), 0, &[("a", 6), ("b", 5), ("c", 4)]);
        check(&mut list(10, &[]), 0, &[]);
        // Each value that was set counts, as it does in the SDK.
        check(&mut list(2, &given), 4, &[("a", 1), ("b", 2)]);
    }

    #[test]
    fn many_keys_stay_apart() {
        let keys: Vec<String> = (0..300).map(|number| format!("key.{number}")).collect();
        let mut all = list(1_000, &[]);
        for key in keys.iter().chain(&keys) {
            all.attribute(key).string(key);
        }
        all.settle();
        let values = decode::attributes(all.bytes());
        let values: Vec<_> = values.iter().map(|pair| pair.value.to_string()).collect();
        assert_eq!(values, keys);
    }

    #[test]
    fn texts_are_cut_by_characters() {
        for (length, expected) in [(0, ""), (4, "über"), (7, "übermut"), (8, "übermut")] {
            let mut list = Attributes::default();
            let length = Some(length);
            list.start(9, AttributeLimits { count: 10, length });
            list.attribute("text").string("übermut");
            list.attribute("list")
                .value(&Value::Array(Array::String(vec!["übermut".into()])));
            let expected = [
                KeyValue::new("text", expected),
                KeyValue::new("list", Value::Array(Array::String(vec![expected.into()]))),
            ];
            assert_eq!(decode::attributes(list.bytes()), expected);
        }
    }
}
