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

/// The time as RFC 3339 has it, in UTC.
fn timestamp(since_epoch: Duration) -> String {
    const DAY: u64 = 86_400;
    let seconds = since_epoch.as_secs();
    let (year, month, day) = date(seconds / DAY);
    let (hour, minute, second) = (seconds % DAY / 3600, seconds % 3600 / 60, seconds % 60);
    let micros = since_epoch.subsec_micros();
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{micros:06}Z")
}

/// The Gregorian date so many days after the first of January 1970.
fn date(days: u64) -> (u64, u64, u64) {
    const CYCLE_DAYS: u64 = 146_097; // 400 years
    // Years begin with March here, so that the leap day is their last; 719 468 days lie between 1 March of year 0 and
    // the epoch.
    let days = days + 719_468;
    let (cycle, day) = (days / CYCLE_DAYS, days % CYCLE_DAYS);
    // Without the leap days before it, every year of the cycle has 365 days.
    let leap_days = day / 1460 - day / 36_524 + day / (CYCLE_DAYS - 1);
    let year = (day - leap_days) / 365;
    let day_of_year = day - (365 * year + year / 4 - year / 100);
    // From March on, five months have 153 days in turn.
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    let (year, month) = if month < 10 {
        (year, month + 3)
    } else {
        (year + 1, month - 9)
    };
    (400 * cycle + year, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_told_in_utc() {
        let cases = [
            (0, "1970-01-01T00:00:00.000000Z"),
            (68_169_600, "1972-02-29T00:00:00.000000Z"),
            (951_782_399, "2000-02-28T23:59:59.000000Z"),
            (951_868_800, "2000-03-01T00:00:00.000000Z"),
            (1_700_000_000, "2023-11-14T22:13:20.000000Z"),
            (1_798_761_599, "2026-12-31T23:59:59.000000Z"),
            (4_107_542_400, "2100-03-01T00:00:00.000000Z"),
            (253_402_300_799, "9999-12-31T23:59:59.000000Z"),
        ];
        for (seconds, expected) in cases {
            assert_eq!(timestamp(Duration::from_secs(seconds)), expected);
        }
        assert_eq!(
            timestamp(Duration::from_micros(7)),
            "1970-01-01T00:00:00.000007Z"
        );
    }

    #[test]
    fn every_day_follows_the_one_before() {
        let mut before = date(0);
        for day in 1..200_000 {
            let (year, month, of_month) = date(day);
            let next_of_month = (before.0, before.1, before.2 + 1);
            let next_month = (before.0, before.1 + 1, 1);
            let next_year = (before.0 + 1, 1, 1);
            let follows = [next_of_month, next_month, next_year].contains(&(year, month, of_month));
            assert!(follows && month <= 12 && of_month <= 31, "{day}");
            before = (year, month, of_month);
        }
    }

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
