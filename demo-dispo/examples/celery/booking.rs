//! A booking as Python writes it: the one positional argument of a task, `{"room": .., "start": .., "end": ..}`.

use chrono::NaiveDate;
use demo_dispo::domain::{Period, PeriodError};
use serde::Deserialize;
use serde_json::{Map, Value, json};

/// A room that is taken for some days.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Booking {
    pub(crate) room: String,
    pub(crate) period: Period,
}

impl Booking {
    pub(crate) fn new(room: String, period: Period) -> Self {
        Self { room, period }
    }

    /// Reads the arguments of a task. What else Python says of the booking is left alone.
    ///
    /// # Errors
    ///
    /// Other arguments than one booking, or one that does not end after it starts.
    pub(crate) fn from_arguments(
        args: &[Value],
        kwargs: &Map<String, Value>,
    ) -> Result<Self, ArgumentsError> {
        let ([booking], true) = (args, kwargs.is_empty()) else {
            return Err(ArgumentsError::Number(args.len(), kwargs.len()));
        };
        let written = Written::deserialize(booking)?;
        let Date::Date(start) = written.start;
        let Date::Date(end) = written.end;
        Ok(Self::new(written.room, Period::new(start, end)?))
    }

    /// The positional arguments of a task.
    pub(crate) fn to_arguments(&self) -> Value {
        json!([{
            "room": self.room,
            "start": date(self.period.start()),
            "end": date(self.period.end()),
        }])
    }

    /// The positional arguments as Python shows them: Celery's `argsrepr`, which is for people.
    pub(crate) fn repr(&self) -> String {
        format!(
            "({{'room': {}, 'start': {}, 'end': {}}},)",
            repr_str(&self.room),
            repr_date(self.period.start()),
            repr_date(self.period.end()),
        )
    }
}

/// What a task takes that is not a booking.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ArgumentsError {
    #[error("the task takes one booking, not {0} positional and {1} keyword arguments")]
    Number(usize, usize),
    #[error("the booking cannot be read: {0}")]
    Unreadable(#[from] serde_json::Error),
    #[error(transparent)]
    Period(#[from] PeriodError),
}

/// A booking as written.
#[derive(Deserialize)]
struct Written {
    room: String,
    start: Date,
    end: Date,
}

/// A date as kombu, the library below Celery, writes it in JSON. Other types have other names (`datetime`, `uuid`, ..).
#[derive(Deserialize)]
#[serde(tag = "__type__", content = "__value__", rename_all = "lowercase")]
enum Date {
    Date(NaiveDate),
}

fn date(date: NaiveDate) -> Value {
    json!({"__type__": "date", "__value__": date})
}

fn repr_date(date: NaiveDate) -> String {
    date.format("datetime.date(%Y, %-m, %-d)").to_string()
}

/// Of the characters that Python does not print, only control characters are escaped.
fn repr_str(text: &str) -> String {
    let quote = if text.contains('\'') && !text.contains('"') {
        '"'
    } else {
        '\''
    };
    let mut repr = String::from(quote);
    for character in text.chars() {
        match character {
            '\n' => repr.push_str(r"\n"),
            '\r' => repr.push_str(r"\r"),
            '\t' => repr.push_str(r"\t"),
            '\\' => repr.push_str(r"\\"),
            _ if character == quote => repr.extend(['\\', quote]),
            _ if character.is_control() => {
                let code = u32::from(character);
                repr.extend(format!(r"\x{code:02x}").chars());
            }
            _ => repr.push(character),
        }
    }
    repr.push(quote);
    repr
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(args: &Value, kwargs: &Value) -> Result<Booking, String> {
        let (args, kwargs) = (args.as_array().unwrap(), kwargs.as_object().unwrap());
        Booking::from_arguments(args, kwargs).map_err(|error| error.to_string())
    }

    #[test]
    fn a_booking_is_written_and_read() {
        let arguments = json!([{
            "room": "President Suite",
            "start": {"__type__": "date", "__value__": "2023-02-04"},
            "end": {"__type__": "date", "__value__": "2023-02-06"},
        }]);
        let booking = read(&arguments, &json!({})).unwrap();
        assert_eq!(booking.room, "President Suite");
        assert_eq!(booking.to_arguments(), arguments);
        assert_eq!(
            booking.repr(),
            "({'room': 'President Suite', 'start': datetime.date(2023, 2, 4), 'end': datetime.date(2023, 2, 6)},)"
        );
    }

    #[test]
    fn what_else_is_said_of_a_booking_is_left_alone() {
        let day = |day| json!({"__type__": "date", "__value__": day});
        let more =
            json!([{"id": 7, "room": "a", "start": day("2023-02-04"), "end": day("2023-02-05")}]);
        assert_eq!(read(&more, &json!({})).unwrap().room, "a");
    }

    #[test]
    fn other_arguments_are_refused() {
        let day = |day| json!({"__type__": "date", "__value__": day});
        let booking = |start, end| json!([{"room": "a", "start": start, "end": end}]);
        for (args, kwargs, message) in [
            (
                json!([]),
                json!({"booking": {}}),
                "the task takes one booking, not 0 positional and 1 keyword arguments",
            ),
            (
                json!([1, 2]),
                json!({}),
                "the task takes one booking, not 2 positional and 0 keyword arguments",
            ),
            (
                json!([{"room": "a"}]),
                json!({}),
                "the booking cannot be read: missing field `start`",
            ),
            (
                booking(
                    json!({"__type__": "datetime", "__value__": "2023-02-04T00:00:00"}),
                    day("2023-02-04"),
                ),
                json!({}),
                "the booking cannot be read: unknown variant `datetime`, expected `date`",
            ),
            (
                booking(day("2023-02-04"), day("2023-02-04")),
                json!({}),
                "start is not before end.",
            ),
        ] {
            assert_eq!(read(&args, &kwargs).unwrap_err(), message);
        }
    }

    /// Each expectation is what Python's `repr` gives.
    #[test]
    fn text_is_shown_as_python_does() {
        for (text, repr) in [
            ("a b", "'a b'"),
            ("Bob's", r#""Bob's""#),
            (r#""a" 'b'"#, r#"'"a" \'b\''"#),
            ("a\\b\n\t\r\0\u{7f}\u{85}", r"'a\\b\n\t\r\x00\x7f\x85'"),
            ("Grüße", "'Grüße'"),
        ] {
            assert_eq!(repr_str(text), repr);
        }
    }
}
