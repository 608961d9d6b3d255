//! Ids as hexadecimal digits, in lower case: formatting costs many times as much.

const DIGITS: [u8; 16] = *b"0123456789abcdef";

/// Writes two digits for each byte, as far as `out` reaches.
///
/// Once in a program, and by a small table: between two spans a server does so much else that all of it has to be fetched
/// again.
#[inline(never)]
pub(crate) fn write(bytes: &[u8], out: &mut [u8]) {
    let (out, _) = out.as_chunks_mut();
    for (pair, byte) in out.iter_mut().zip(bytes) {
        let byte = usize::from(*byte);
        *pair = [DIGITS[byte >> 4], DIGITS[byte & 15]];
    }
}

/// The bytes that twice as many digits stand for; `None` where they are others, or not that many.
pub(crate) fn read<const BYTES: usize>(digits: &[u8]) -> Option<[u8; BYTES]> {
    let mut bytes = [0; BYTES];
    let (pairs, rest) = digits.as_chunks();
    if pairs.len() != BYTES || !rest.is_empty() {
        return None;
    }
    for (byte, [high, low]) in bytes.iter_mut().zip(pairs) {
        *byte = value(*high)? << 4 | value(*low)?;
    }
    Some(bytes)
}

fn value(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    }
}

/// So many digits, as text.
#[cfg(feature = "log")]
#[derive(Clone, Copy, Debug)]
#[repr(align(8))]
pub(crate) struct Digits<const COUNT: usize>([u8; COUNT]);

#[cfg(feature = "log")]
impl<const COUNT: usize> Digits<COUNT> {
    pub(crate) fn new(bytes: &[u8]) -> Self {
        let mut digits = [b'0'; COUNT];
        write(bytes, &mut digits);
        Self(digits)
    }

    pub(crate) fn as_str(&self) -> &str {
        str::from_utf8(&self.0).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_comes_back() {
        for byte in 0..=255 {
            let mut digits = [0; 4];
            write(&[byte, 7], &mut digits);
            assert_eq!(digits, *format!("{byte:02x}07").as_bytes());
            assert_eq!(read(&digits), Some([byte, 7]));
        }
    }

    #[test]
    fn what_is_no_such_number_is_refused() {
        for digits in ["", "0", "000", "0000", "0G", "A0", "+1", " 1"] {
            assert_eq!(read::<1>(digits.as_bytes()), None, "{digits}");
        }
    }
}
