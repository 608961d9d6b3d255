//! What a collector says when it waited in vain.

use std::fmt;
use std::time::Duration;

use crate::export::testing::{Detail, LogRecord, SpanRecord, tree};

/// The spans waited for did not all come in time.
///
/// Shows what was there as a tree, also by `Debug`, so that a failed `unwrap` tells what is missing.
#[derive(Clone)]
#[non_exhaustive]
pub struct TimedOut {
    /// How long it was waited.
    pub timeout: Duration,
    /// The spans that were there at the end.
    pub spans: Vec<SpanRecord>,
}

impl fmt::Display for TimedOut {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (count, seconds) = (self.spans.len(), self.timeout.as_secs_f64());
        if count == 0 {
            return write!(formatter, "no span came within {seconds} s");
        }
        let tree = tree(&self.spans, Detail::NAMES.with_services());
        write!(
            formatter,
            "not all that was waited for came within {seconds} s; {count} spans did:\n{tree}"
        )
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
/// Shows what was there, a line each, also by `Debug`, so that a failed `unwrap` tells what is missing.
#[derive(Clone)]
#[non_exhaustive]
pub struct LogsTimedOut {
    /// How long it was waited.
    pub timeout: Duration,
    /// The log records that were there at the end.
    pub log_records: Vec<LogRecord>,
}

impl fmt::Display for LogsTimedOut {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (count, seconds) = (self.log_records.len(), self.timeout.as_secs_f64());
        if count == 0 {
            return write!(formatter, "no log record came within {seconds} s");
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
        Ok(())
    }
}

impl fmt::Debug for LogsTimedOut {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

impl std::error::Error for LogsTimedOut {}
