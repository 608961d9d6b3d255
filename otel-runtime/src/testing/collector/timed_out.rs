//! What a collector says when it waited in vain.

use std::fmt;
use std::time::Duration;

use super::store::Missed;

use crate::export::testing::{Detail, LogRecord, SpanRecord, tree};

/// The spans waited for did not all come in time.
///
/// Shows what was there as a tree, and why the last request that was refused was, also by `Debug`, so that a failed `unwrap` tells what is missing.
#[derive(Clone)]
#[non_exhaustive]
pub struct TimedOut {
    /// How long it was waited.
    pub timeout: Duration,
    /// The spans that were there at the end.
    pub spans: Vec<SpanRecord>,
    pub(super) missed: Missed,
}

impl fmt::Display for TimedOut {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (count, seconds) = (self.spans.len(), self.timeout.as_secs_f64());
        if count == 0 {
            write!(formatter, "no span came within {seconds} s")?;
            return tell(&self.missed, "span", formatter);
        }
        let tree = tree(&self.spans, Detail::NAMES.with_services());
        write!(
            formatter,
            "not all that was waited for came within {seconds} s; {count} spans did:\n{tree}"
        )?;
        tell(&self.missed, "span", formatter)
    }
}

impl fmt::Debug for TimedOut {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

impl std::error::Error for TimedOut {}

/// The log records waited for did not all come in time.
///
/// Shows what was there, a line each, and why the last request that was refused was, also by `Debug`, so that a failed `unwrap` tells what is missing.
#[derive(Clone)]
#[non_exhaustive]
pub struct LogsTimedOut {
    /// How long it was waited.
    pub timeout: Duration,
    /// The log records that were there at the end.
    pub log_records: Vec<LogRecord>,
    pub(super) missed: Missed,
}

impl fmt::Display for LogsTimedOut {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (count, seconds) = (self.log_records.len(), self.timeout.as_secs_f64());
        if count == 0 {
            write!(formatter, "no log record came within {seconds} s")?;
            return tell(&self.missed, "log record", formatter);
        }
        write!(
            formatter,
            "not all that was waited for came within {seconds} s; {count} log records did:"
        )?;
        for record in &self.log_records {
            let service = record.service_name().unwrap_or_default();
            let (severity, body) = (&record.severity_text, &record.body);
            write!(formatter, "\n[{service}] {severity} {body}")?;
        }
        tell(&self.missed, "log record", formatter)
    }
}

impl fmt::Debug for LogsTimedOut {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

impl std::error::Error for LogsTimedOut {}

/// Why something may not be there, on lines of their own.
fn tell(missed: &Missed, item: &str, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
    if let Some(last) = &missed.last_refusal {
        match missed.refused {
            1 => write!(formatter, "\n1 request was refused: ")?,
            count => write!(formatter, "\n{count} requests were refused, the last: ")?,
        }
        let (status, path) = (last.status, &last.path);
        write!(formatter, "{status} for {path}, as {}", last.reason)?;
    }
    match missed.dropped {
        0 => Ok(()),
        1 => write!(formatter, "\n1 {item} gave way to newer ones"),
        count => write!(formatter, "\n{count} {item}s gave way to newer ones"),
    }
}
