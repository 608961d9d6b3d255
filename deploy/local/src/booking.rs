//! The booking that is sent, and the trace it should leave.

use std::collections::HashSet;

use anyhow::{Context, bail};
use chrono::{Days, NaiveDate};
use otel_runtime::testing::SpanRecord;
use reqwest::Client;

/// What is sent.
pub const BOOKING: &str = r#"{"room_id": 1, "start": "2023-02-04", "end": "2023-02-06"}"#;

/// How many rooms there are at first; their ids begin with 1.
const ROOMS: u32 = 4;

/// No booking of [`nth`] is for a later day.
const LAST_DAY: NaiveDate = NaiveDate::from_ymd_opt(2900, 1, 1).unwrap();

/// The body of the booking with this number. None overlaps with another, all are far in the future.
///
/// The later it comes, the earlier its day: the service looks for overlaps among all bookings of the room that begin
/// earlier, and what grows with the table is not what a booking costs.
#[must_use]
pub fn nth(n: u32) -> String {
    let room = n % ROOMS + 1;
    let end = LAST_DAY - Days::new(u64::from(n / ROOMS));
    let start = end - Days::new(1);
    format!(r#"{{"room_id": {room}, "start": "{start}", "end": "{end}"}}"#)
}

/// The spans without which the trace is not whole: kind, name and service.
pub const EXPECTED: [(&str, &str, &str); 10] = [
    ("Server", "POST /api/v1/bookings/", "dispo"),
    ("Internal", "booking.create", "dispo"),
    ("Client", "INSERT bookings", "dispo"),
    ("Producer", "send booking.created", "dispo"),
    ("Consumer", "process booking.created", "cleaning-worker"),
    ("Internal", "cleaning.plan", "cleaning-worker"),
    ("Client", "INSERT cleanings", "cleaning-worker"),
    ("Producer", "send cleaning.planned", "cleaning-worker"),
    ("Consumer", "process cleaning.planned", "dispo-worker"),
    ("Client", "UPDATE bookings", "dispo-worker"),
];

/// Sends the booking to the service at `url`, as part of the trace of `traceparent` if there is one.
///
/// # Errors
///
/// The service does not answer, or refuses.
pub async fn send(client: &Client, url: &str, traceparent: Option<&str>) -> anyhow::Result<String> {
    let mut request = client
        .post(format!("{url}/api/v1/bookings/"))
        .header("content-type", "application/json")
        .body(BOOKING);
    if let Some(traceparent) = traceparent {
        request = request.header("traceparent", traceparent);
    }
    let answer = request
        .send()
        .await
        .context("the booking could not be sent")?;
    let status = answer.status();
    let text = answer
        .text()
        .await
        .context("the answer to the booking could not be read")?;
    if !status.is_success() {
        bail!("the booking was refused ({status}): {text}");
    }
    Ok(text)
}

/// The spans of the trace of a booking, in whatever state it is: that of the first request that made one.
#[must_use]
pub fn trace_of_booking(spans: &[SpanRecord]) -> Vec<SpanRecord> {
    let first = spans.iter().find(|span| matches(span, EXPECTED[0]));
    let trace = first.map(|span| span.trace_id);
    spans
        .iter()
        .filter(|span| Some(span.trace_id) == trace)
        .cloned()
        .collect()
}

/// The expected spans that are not there yet, as `<name> (<service>)`.
#[must_use]
pub fn missing(trace: &[SpanRecord]) -> Vec<String> {
    EXPECTED
        .into_iter()
        .filter(|expected| !trace.iter().any(|span| matches(span, *expected)))
        .map(|(_, name, service)| format!("{name} ({service})"))
        .collect()
}

/// Whether no span waits for its parent, except for that of the first request, whose parent may be the caller.
#[must_use]
pub fn is_connected(trace: &[SpanRecord]) -> bool {
    let ids: HashSet<_> = trace.iter().map(|span| span.span_id).collect();
    let is_child = |span: &SpanRecord| {
        span.parent_span_id
            .is_some_and(|parent| ids.contains(&parent))
    };
    trace
        .iter()
        .all(|span| matches(span, EXPECTED[0]) || is_child(span))
}

fn matches(span: &SpanRecord, (kind, name, service): (&str, &str, &str)) -> bool {
    span.name == name && span.service_name() == Some(service) && format!("{:?}", span.kind) == kind
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bookings_of_one_room_follow_each_other() {
        assert_eq!(
            [0, 1, 4].map(nth),
            [
                r#"{"room_id": 1, "start": "2899-12-31", "end": "2900-01-01"}"#,
                r#"{"room_id": 2, "start": "2899-12-31", "end": "2900-01-01"}"#,
                r#"{"room_id": 1, "start": "2899-12-30", "end": "2899-12-31"}"#,
            ]
        );
    }
}
