//! Reads what a caller sent, and says all that is wrong with it.

use chrono::NaiveDate;
use otel_runtime::span_event;
use serde_json::{Map, Value, json};

use crate::{
    domain::{BookingDraft, Period},
    error::ApiError,
    routes::problem::{Place, Problem},
};

/// Reads the number in a path.
///
/// # Errors
///
/// `text` is not a whole number.
pub fn path_id(name: &'static str, text: &str) -> Result<i64, ApiError> {
    let places = vec![Place::Name("path"), Place::Name(name)];
    integer(&json!(text), places).map_err(|problem| invalid(vec![problem]))
}

/// Reads the body of `POST /api/v1/bookings/`.
///
/// # Errors
///
/// All that is wrong with it.
pub fn booking_draft(body: &[u8]) -> Result<BookingDraft, ApiError> {
    parse_booking_draft(body).map_err(invalid)
}

/// Leaves on the span of the request how much is wrong and where, but nothing that the caller wrote.
#[span_event(
    "request.invalid",
    "problem.count" = problems.len(),
    "problem.places" = problems.iter().map(Problem::place).collect::<Vec<_>>()
)]
fn invalid(problems: Vec<Problem>) -> ApiError {
    ApiError::Invalid(problems)
}

fn parse_booking_draft(body: &[u8]) -> Result<BookingDraft, Vec<Problem>> {
    let body = json_body(body).map_err(|problem| vec![problem])?;
    let fields = object(&body).map_err(|problem| vec![problem])?;
    let room_id = field(fields, &body, "room_id", integer);
    let start = field(fields, &body, "start", date);
    let end = field(fields, &body, "end", date);
    let (room_id, start, end) = match (room_id, start, end) {
        (Ok(room_id), Ok(start), Ok(end)) => (room_id, start, end),
        (room_id, start, end) => {
            return Err([room_id.err(), start.err(), end.err()]
                .into_iter()
                .flatten()
                .collect());
        }
    };
    let period = Period::new(start, end).map_err(|error| {
        let place = vec![Place::Name("body")];
        let message = format!("Value error, {error}");
        vec![Problem::new("value_error", place, message, &body).because(json!({}))]
    })?;
    Ok(BookingDraft { room_id, period })
}

fn json_body(body: &[u8]) -> Result<Value, Problem> {
    let missing = || {
        let place = vec![Place::Name("body")];
        Problem::new("missing", place, "Field required", &Value::Null)
    };
    if body.is_empty() {
        return Err(missing());
    }
    match serde_json::from_slice(body) {
        Ok(Value::Null) => Err(missing()),
        Ok(value) => Ok(value),
        Err(error) => {
            let place = vec![Place::Name("body"), Place::Offset(offset(body, &error))];
            let problem = Problem::new("json_invalid", place, "JSON decode error", &json!({}));
            Err(problem.because(error.to_string()))
        }
    }
}

/// The number of characters before the error, which serde counts in lines from 1 and bytes up to and with the wrong one.
fn offset(body: &[u8], error: &serde_json::Error) -> usize {
    let lines = body.split_inclusive(|byte| *byte == b'\n');
    let before: usize = lines
        .take(error.line().saturating_sub(1))
        .map(<[u8]>::len)
        .sum();
    let good = if error.is_eof() {
        error.column()
    } else {
        error.column().saturating_sub(1)
    };
    let end = (before + good).min(body.len());
    String::from_utf8_lossy(&body[..end]).chars().count()
}

fn object(body: &Value) -> Result<&Map<String, Value>, Problem> {
    body.as_object().ok_or_else(|| {
        Problem::new(
            "model_attributes_type",
            vec![Place::Name("body")],
            "Input should be a valid dictionary or object to extract fields from",
            body,
        )
    })
}

fn field<T>(
    fields: &Map<String, Value>,
    body: &Value,
    name: &'static str,
    read: impl Fn(&Value, Vec<Place>) -> Result<T, Problem>,
) -> Result<T, Problem> {
    let places = vec![Place::Name("body"), Place::Name(name)];
    match fields.get(name) {
        Some(value) => read(value, places),
        None => Err(Problem::new("missing", places, "Field required", body)),
    }
}

/// Whole numbers also when they are written as text or with a zero fraction, as the reference takes them.
fn integer(value: &Value, places: Vec<Place>) -> Result<i64, Problem> {
    let fraction = value.as_f64().map_or(0.0, f64::fract);
    let whole = value.as_i64().or_else(|| {
        let number = value.as_f64().filter(|_| fraction == 0.0)?;
        format!("{number}").parse().ok()
    });
    if let Some(number) = whole {
        return Ok(number);
    }
    let (kind, message) = match value {
        Value::String(text) => match text.trim().parse() {
            Ok(number) => return Ok(number),
            Err(_) => (
                "int_parsing",
                "Input should be a valid integer, unable to parse string as an integer",
            ),
        },
        Value::Number(_) if fraction != 0.0 => (
            "int_from_float",
            "Input should be a valid integer, got a number with a fractional part",
        ),
        Value::Number(_) => (
            "int_parsing_size",
            "Unable to parse input string as an integer, exceeded maximum size",
        ),
        _ => ("int_type", "Input should be a valid integer"),
    };
    Err(Problem::new(kind, places, message, value))
}

fn date(value: &Value, places: Vec<Place>) -> Result<NaiveDate, Problem> {
    let Value::String(text) = value else {
        return Err(Problem::new(
            "date_type",
            places,
            "Input should be a valid date",
            value,
        ));
    };
    parse_date(text).map_err(|cause| {
        let message = format!("Input should be a valid date or datetime, {cause}");
        Problem::new("date_from_datetime_parsing", places, message, value).because(cause)
    })
}

/// `YYYY-MM-DD` to the letter; chrono alone would take signs and single digits.
fn parse_date(text: &str) -> Result<NaiveDate, &'static str> {
    let shape = text
        .bytes()
        .map(|byte| if byte.is_ascii_digit() { b'0' } else { byte });
    if !shape.eq("0000-00-00".bytes()) {
        return Err("it is written as YYYY-MM-DD");
    }
    NaiveDate::parse_from_str(text, "%Y-%m-%d").map_err(|_| "there is no such day")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(body: &str, problems: &Value) {
        let found = parse_booking_draft(body.as_bytes()).unwrap_err();
        assert_eq!(serde_json::to_value(found).unwrap(), *problems);
    }

    #[test]
    fn a_booking_is_read() {
        let draft = booking_draft(br#"{"room_id": 1, "start": "2023-02-04", "end": "2023-02-06"}"#)
            .unwrap();
        assert_eq!(draft.room_id, 1);
        assert_eq!(draft.period.end().to_string(), "2023-02-06");
    }

    #[test]
    fn a_whole_number_may_be_written_in_other_ways() {
        for (number, read) in [(json!("17"), 17), (json!(17.0), 17), (json!(-2), -2)] {
            assert_eq!(integer(&number, Vec::new()), Ok(read));
        }
        for (number, kind) in [
            (json!(1e300), "int_parsing_size"),
            (json!(u64::MAX), "int_parsing_size"),
            (json!(1.5), "int_from_float"),
            (json!("1.5"), "int_parsing"),
            (json!(true), "int_type"),
        ] {
            let problem = integer(&number, Vec::new()).unwrap_err();
            assert_eq!(
                serde_json::to_value(problem).unwrap()["type"],
                kind,
                "{number}"
            );
        }
    }

    #[test]
    fn bad_json_is_placed() {
        check(
            "{\n  room",
            &json!([{
                "type": "json_invalid",
                "loc": ["body", 4],
                "msg": "JSON decode error",
                "input": {},
                "ctx": {"error": "key must be a string at line 2 column 3"},
            }]),
        );
    }

    #[test]
    fn json_that_breaks_off_is_placed_at_its_end() {
        for (body, place) in [("{", 1), ("{\n\"room", 7), ("[1,", 3)] {
            let problem = json_body(body.as_bytes()).unwrap_err();
            assert_eq!(problem.place(), format!("body.{place}"), "{body}");
        }
    }

    #[test]
    fn an_empty_body_is_missing() {
        for body in ["", "null"] {
            check(
                body,
                &json!([{"type": "missing", "loc": ["body"], "msg": "Field required", "input": null}]),
            );
        }
    }

    #[test]
    fn a_list_is_no_booking() {
        check(
            "[1]",
            &json!([{
                "type": "model_attributes_type",
                "loc": ["body"],
                "msg": "Input should be a valid dictionary or object to extract fields from",
                "input": [1],
            }]),
        );
    }

    #[test]
    fn a_missing_field_is_named() {
        check(
            r#"{"room_id": 1, "start": "2023-02-04"}"#,
            &json!([{
                "type": "missing",
                "loc": ["body", "end"],
                "msg": "Field required",
                "input": {"room_id": 1, "start": "2023-02-04"},
            }]),
        );
    }

    #[test]
    fn every_wrong_field_is_told() {
        check(
            r#"{"room_id": 1.5, "start": 7, "end": "2023-02-30"}"#,
            &json!([
                {
                    "type": "int_from_float",
                    "loc": ["body", "room_id"],
                    "msg": "Input should be a valid integer, got a number with a fractional part",
                    "input": 1.5,
                },
                {
                    "type": "date_type",
                    "loc": ["body", "start"],
                    "msg": "Input should be a valid date",
                    "input": 7,
                },
                {
                    "type": "date_from_datetime_parsing",
                    "loc": ["body", "end"],
                    "msg": "Input should be a valid date or datetime, there is no such day",
                    "input": "2023-02-30",
                    "ctx": {"error": "there is no such day"},
                },
            ]),
        );
    }

    #[test]
    fn the_order_of_days_matters() {
        let body = json!({"room_id": 1, "start": "2023-02-06", "end": "2023-02-04"});
        check(
            &body.to_string(),
            &json!([{
                "type": "value_error",
                "loc": ["body"],
                "msg": "Value error, start is not before end.",
                "input": body,
                "ctx": {"error": {}},
            }]),
        );
    }

    #[test]
    fn a_day_is_written_to_the_letter() {
        for text in [
            "2023-2-4",
            "+2023-02-4",
            "2023/02/04",
            "04.02.2023",
            "2023-02-04T00:00",
            "",
        ] {
            assert_eq!(
                parse_date(text),
                Err("it is written as YYYY-MM-DD"),
                "{text}"
            );
        }
    }

    #[test]
    fn an_id_in_a_path_is_a_number() {
        assert_eq!(path_id("room_id", "17").unwrap(), 17);
        let Err(ApiError::Invalid(problems)) = path_id("room_id", "first") else {
            panic!("`first` is no number");
        };
        assert_eq!(
            serde_json::to_value(problems).unwrap(),
            json!([{
                "type": "int_parsing",
                "loc": ["path", "room_id"],
                "msg": "Input should be a valid integer, unable to parse string as an integer",
                "input": "first",
            }])
        );
    }
}
