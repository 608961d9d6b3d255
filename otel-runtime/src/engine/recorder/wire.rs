//! Protocol Buffers, as far as OTLP needs them. <https://protobuf.dev/programming-guides/encoding/>

/// The bits of a tag that say how the field is encoded.
const VARINT: u8 = 0;
const FIXED_64: u8 = 1;
const LENGTH_DELIMITED: u8 = 2;
const FIXED_32: u8 = 5;

/// The tag of a length-delimited field.
pub(crate) const fn tag(field: u8) -> u8 {
    field << 3 | LENGTH_DELIMITED
}

/// The tag of a field that holds a number.
pub(crate) const fn number_tag(field: u8) -> u8 {
    field << 3 | VARINT
}

/// The tag of a field of eight bytes.
pub(crate) const fn fixed_64_tag(field: u8) -> u8 {
    field << 3 | FIXED_64
}

fn varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(low_byte(value) | 0x80);
        value >>= 7;
    }
    out.push(low_byte(value));
}

/// How many bytes a number takes.
pub(crate) const fn varint_length(value: u64) -> usize {
    // Most often one byte is enough.
    if value < 0x80 {
        return 1;
    }
    // Seven bits a byte.
    ((u64::BITS - value.leading_zeros()).div_ceil(7)) as usize
}

/// How many bytes a field takes that holds so many.
pub(crate) const fn length(content: usize) -> usize {
    1 + varint_length(content as u64) + content
}

/// A field that holds a number, also when that is zero.
pub(crate) fn number(out: &mut Vec<u8>, field: u8, value: u64) {
    if value < 0x80 {
        out.extend_from_slice(&[number_tag(field), low_byte(value)]);
    } else {
        out.push(number_tag(field));
        varint(out, value);
    }
}

/// A field that holds a number, left out when that is zero.
pub(crate) fn count(out: &mut Vec<u8>, field: u8, value: u32) {
    if value > 0 {
        number(out, field, u64::from(value));
    }
}

pub(crate) fn fixed_64(out: &mut Vec<u8>, field: u8, value: u64) {
    let mut bytes = Array::<9>::new();
    bytes.fixed_64(field, value);
    out.extend_from_slice(bytes.written());
}

/// A field with 16 bits of flags.
pub(crate) fn fixed_32(out: &mut Vec<u8>, field: u8, value: u16) {
    varint(out, u64::from(field) << 3 | u64::from(FIXED_32));
    out.extend_from_slice(&u32::from(value).to_le_bytes());
}

pub(crate) fn bytes(out: &mut Vec<u8>, field: u8, value: &[u8]) {
    header(out, field, value.len());
    out.extend_from_slice(value);
}

/// A field that holds bytes, left out when there are none.
pub(crate) fn bytes_if_any(out: &mut Vec<u8>, field: u8, value: &[u8]) {
    if !value.is_empty() {
        bytes(out, field, value);
    }
}

/// What stands before `length` bytes of a field.
#[inline]
pub(crate) fn header(out: &mut Vec<u8>, field: u8, length: usize) {
    // Most often one byte is enough for the length.
    if length < 0x80 {
        out.extend_from_slice(&[tag(field), low_byte(length as u64)]);
    } else {
        out.push(tag(field));
        varint(out, length as u64);
    }
}

/// A field whose content is written first and measured afterwards.
pub(crate) fn nested(out: &mut Vec<u8>, field: u8, content: impl FnOnce(&mut Vec<u8>)) {
    out.push(tag(field));
    let mut at = out.len();
    out.push(0);
    content(out);
    // One byte is there for the length. Most often it is enough; otherwise the content moves.
    let mut length = out.len() - at - 1;
    while length >= 0x80 {
        out[at] = low_byte(length as u64) | 0x80;
        length >>= 7;
        at += 1;
        out.insert(at, 0);
    }
    out[at] = low_byte(length as u64);
}

/// The lowest seven or eight bits.
#[expect(
    clippy::cast_possible_truncation,
    reason = "what is cut off is written by others"
)]
pub(crate) const fn low_byte(value: u64) -> u8 {
    value as u8
}

/// Fields of a known length, written together.
#[derive(Debug)]
pub(crate) struct Array<const N: usize> {
    bytes: [u8; N],
    length: usize,
}

impl<const N: usize> Array<N> {
    #[inline]
    pub(crate) fn new() -> Self {
        Self {
            bytes: [0; N],
            length: 0,
        }
    }

    #[inline]
    pub(crate) fn written(&self) -> &[u8] {
        &self.bytes[..self.length]
    }

    #[inline]
    fn push<const M: usize>(&mut self, bytes: [u8; M]) {
        self.bytes[self.length..self.length + M].copy_from_slice(&bytes);
        self.length += M;
    }

    #[inline]
    pub(crate) fn fixed_64(&mut self, field: u8, value: u64) {
        self.push([fixed_64_tag(field)]);
        self.push(value.to_le_bytes());
    }
}

#[cfg(feature = "otlp")]
impl<const N: usize> Array<N> {
    /// Of less than 128 bytes.
    #[inline]
    pub(crate) fn bytes<const M: usize>(&mut self, field: u8, value: &[u8; M]) {
        self.push([tag(field), low_byte(M as u64)]);
        self.push(*value);
    }

    /// Less than 128.
    #[inline]
    pub(crate) fn small_number(&mut self, field: u8, value: u8) {
        self.push([number_tag(field), value]);
    }

    /// Of a field whose number is 16 or more, and less than 32.
    #[inline]
    pub(crate) fn fixed_32(&mut self, field: u8, value: u16) {
        self.push([field << 3 | FIXED_32 | 0x80, field >> 4]);
        self.push(u32::from(value).to_le_bytes());
    }
}

/// A field as it is read.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Value<'a> {
    Number(u64),
    Bytes(&'a [u8]),
}

impl<'a> Value<'a> {
    pub(crate) fn bytes(self) -> Option<&'a [u8]> {
        match self {
            Value::Bytes(bytes) => Some(bytes),
            Value::Number(_) => None,
        }
    }

    /// 0 for what is no number.
    pub(crate) fn number(self) -> u64 {
        match self {
            Value::Number(number) => number,
            Value::Bytes(_) => 0,
        }
    }
}

/// Reads the fields of a message; ends at what this crate does not write.
#[derive(Clone, Debug)]
pub(crate) struct Fields<'a>(pub(crate) &'a [u8]);

impl<'a> Fields<'a> {
    fn byte(&mut self) -> Option<u8> {
        let (&first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(first)
    }

    fn varint(&mut self) -> Option<u64> {
        let mut value = 0;
        for shift in (0..u64::BITS).step_by(7) {
            let byte = self.byte()?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Some(value);
            }
        }
        None
    }

    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }
}

impl<'a> Iterator for Fields<'a> {
    /// The field's number and what it holds.
    type Item = (u8, Value<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        let tag = u8::try_from(self.varint()?).ok()?;
        let value = match tag & 0b111 {
            VARINT => Value::Number(self.varint()?),
            FIXED_64 => Value::Number(u64::from_le_bytes(self.take(8)?.try_into().ok()?)),
            FIXED_32 => Value::Number(u32::from_le_bytes(self.take(4)?.try_into().ok()?).into()),
            _ => {
                let length = usize::try_from(self.varint()?).ok()?;
                Value::Bytes(self.take(length)?)
            }
        };
        Some((tag >> 3, value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        for length in [0, 1, 127, 128, 16_383, 16_384, 70_000] {
            let content = vec![7; length];
            let mut out = Vec::new();
            number(&mut out, 6, u64::MAX);
            nested(&mut out, 5, |out| out.extend_from_slice(&content));
            bytes(&mut out, 4, &content);
            fixed_64(&mut out, 7, 1 << 63);
            fixed_32(&mut out, 16, 0x301);
            count(&mut out, 10, 0);
            count(&mut out, 12, 300);
            let fields: Vec<_> = Fields(&out).collect();
            let expected = [
                (6, Value::Number(u64::MAX)),
                (5, Value::Bytes(&content)),
                (4, Value::Bytes(&content)),
                (7, Value::Number(1 << 63)),
                (16, Value::Number(0x301)),
                (12, Value::Number(300)),
            ];
            assert_eq!(fields, expected);
        }
    }
}
