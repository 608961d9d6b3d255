//! A record of the `log` facade as one line of JSON.

use std::{
    fmt::{self, Display, Write as _},
    io,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use log::{
    Record,
    kv::{Error, Key, Value, VisitSource, VisitValue},
};

use super::{SPAN_ID, TRACE_ID, current_ids};
use crate::timestamp::timestamp;

/// Writes a record as one line of JSON, to be given to `env_logger` as its format.
///
/// ```
/// # fn main() -> Result<(), log::SetLoggerError> {
/// use otel_runtime::instrument::log::{init, json_line};
///
/// let logger = env_logger::Builder::from_default_env().format(json_line).build();
/// let max_level = logger.filter();
/// init(logger, max_level)
/// # }
/// ```
///
/// A line, here broken into several, has these members, the last three of them only where there is something to tell:
///
/// ```json
/// {"timestamp": "2026-01-31T12:00:00.000000Z", "level": "INFO", "target": "dispo", "message": "booked",
///  "trace_id": "0af7651916cd43dd8448eb211c80319c", "span_id": "b7ad6b7169203331",
///  "attributes": {"room": 7}}
/// ```
///
/// The ids are those that the record has among its key-values, else those of the current span. All other key-values
/// are attributes: numbers and booleans as such, everything else as a string.
///
/// # Errors
///
/// What `out` fails with.
pub fn json_line<W: io::Write + ?Sized>(out: &mut W, record: &Record<'_>) -> io::Result<()> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let line = line(record, now.unwrap_or_default());
    // At once, so that lines of several threads do not mix.
    out.write_all(line.as_bytes())
}

fn line(record: &Record<'_>, since_epoch: Duration) -> String {
    let mut key_values = KeyValues::default();
    // A source that fails half way has given what comes before.
    let _ = record.key_values().visit(&mut key_values);
    let (trace_id, span_id) = match current_ids() {
        Some((trace_id, span_id)) => (Some(quoted(trace_id)), Some(quoted(span_id))),
        None => (None, None),
    };
    let mut members = vec![
        ("timestamp", quoted(timestamp(since_epoch))),
        ("level", quoted(record.level())),
        ("target", quoted(record.target())),
        ("message", quoted(record.args())),
    ];
    members.extend(
        (key_values.trace_id.or(trace_id))
            .into_iter()
            .map(|id| (TRACE_ID, id)),
    );
    members.extend(
        (key_values.span_id.or(span_id))
            .into_iter()
            .map(|id| (SPAN_ID, id)),
    );
    if !key_values.attributes.is_empty() {
        members.push(("attributes", object(&key_values.attributes)));
    }
    object(&members) + "\n"
}

/// The key-values of a record, each value as JSON.
#[derive(Default)]
struct KeyValues {
    trace_id: Option<String>,
    span_id: Option<String>,
    attributes: Vec<(String, String)>,
}

impl<'kvs> VisitSource<'kvs> for KeyValues {
    fn visit_pair(&mut self, key: Key<'kvs>, value: Value<'kvs>) -> Result<(), Error> {
        let mut json = Json(String::new());
        value.visit(&mut json)?;
        match key.as_str() {
            TRACE_ID => self.trace_id = Some(json.0),
            SPAN_ID => self.span_id = Some(json.0),
            // No member stands twice: the later value counts.
            name => match self.attributes.iter_mut().find(|(known, _)| known == name) {
                Some((_, earlier)) => *earlier = json.0,
                None => self.attributes.push((name.to_owned(), json.0)),
            },
        }
        Ok(())
    }
}

/// One value as JSON.
struct Json(String);

impl VisitValue<'_> for Json {
    fn visit_any(&mut self, value: Value<'_>) -> Result<(), Error> {
        self.0 = quoted(value);
        Ok(())
    }

    fn visit_null(&mut self) -> Result<(), Error> {
        "null".clone_into(&mut self.0);
        Ok(())
    }

    fn visit_u64(&mut self, value: u64) -> Result<(), Error> {
        self.0 = value.to_string();
        Ok(())
    }

    fn visit_i64(&mut self, value: i64) -> Result<(), Error> {
        self.0 = value.to_string();
        Ok(())
    }

    fn visit_f64(&mut self, value: f64) -> Result<(), Error> {
        // JSON has neither infinities nor NaN.
        self.0 = if value.is_finite() {
            format!("{value:?}")
        } else {
            quoted(value)
        };
        Ok(())
    }

    fn visit_bool(&mut self, value: bool) -> Result<(), Error> {
        self.0 = value.to_string();
        Ok(())
    }
}

/// Members whose values are JSON already.
fn object<K: AsRef<str>>(members: &[(K, String)]) -> String {
    let members: Vec<_> = members
        .iter()
        .map(|(name, value)| format!("{}:{value}", quoted(name.as_ref())))
        .collect();
    format!("{{{}}}", members.join(","))
}

/// The text as a JSON string.
fn quoted(text: impl Display) -> String {
    let mut escaped = Escaped(String::from('"'));
    // Our side takes everything; what a value's own formatting refuses to tell ends there.
    let _ = write!(escaped, "{text}");
    escaped.0.push('"');
    escaped.0
}

/// Text between the quotes of a JSON string, with every control character escaped, also those that JSON allows.
struct Escaped(String);

impl fmt::Write for Escaped {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for character in text.chars() {
            match character {
                '"' => self.0.push_str("\\\""),
                '\\' => self.0.push_str("\\\\"),
                '\n' => self.0.push_str("\\n"),
                '\r' => self.0.push_str("\\r"),
                '\t' => self.0.push_str("\\t"),
                control if control.is_control() => {
                    write!(self.0, "\\u{:04x}", u32::from(control))?;
                }
                other => self.0.push(other),
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_is_said_stays_a_string_on_its_line() {
        let cases = [
            ("", r#""""#),
            ("a \"b\" \\", r#""a \"b\" \\""#),
            ("a\nb\r\tc", r#""a\nb\r\tc""#),
            ("\u{1b}[31m\u{0}\u{85}é🙂", r#""\u001b[31m\u0000\u0085é🙂""#),
        ];
        for (text, expected) in cases {
            assert_eq!(quoted(text), expected);
        }
    }
}
