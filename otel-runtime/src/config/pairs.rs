//! Lists of keys and values, as in W3C Baggage.

/// What such a list looks like, for messages.
pub(crate) const PAIRS: &str =
    "`key=value` pairs with commas between them, both percent-encoded where needed";

/// The whole list, or nothing if any of it is malformed, as the specification demands.
pub(super) fn pairs(text: &str) -> Option<Vec<(String, String)>> {
    text.split(',')
        .map(|pair| {
            let (key, value) = pair.split_once('=')?;
            let key = decode(key.trim())?;
            (!key.is_empty()).then_some(())?;
            Some((key, decode(value.trim())?))
        })
        .collect()
}

/// Undoes percent-encoding.
fn decode(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let mut digit = || char::from(rest.next()?).to_digit(16);
            let (high, low) = (digit()?, digit()?);
            bytes.push(u8::try_from(high * 16 + low).ok()?);
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).ok()
}
