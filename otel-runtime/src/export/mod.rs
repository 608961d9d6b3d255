//! Exporters of our own, and what they share: a finished span as plain data, and traces as indented text.

pub(crate) mod console;
#[cfg_attr(
    not(feature = "testing"),
    expect(unreachable_pub, reason = "public with the feature `testing`")
)]
mod detail;
mod forest;
#[cfg(feature = "logs")]
pub(crate) mod lines;
#[cfg(feature = "testing")]
mod log_record;
#[cfg(feature = "testing")]
mod otlp;
mod page;
#[cfg(feature = "testing")]
mod plain;
#[cfg_attr(
    not(feature = "testing"),
    expect(unreachable_pub, reason = "public with the feature `testing`")
)]
mod record;
pub(crate) mod simple;
mod text;
mod timed;

use detail::Detail;
use record::SpanRecord;

/// What `testing` makes public, and what it needs for that.
#[cfg(feature = "testing")]
pub(crate) mod testing {
    pub use super::detail::Detail;
    pub use super::log_record::LogRecord;
    pub(crate) use super::otlp::{log_records, records};
    pub use super::plain::tree;
    pub(crate) use super::record::shared_resource;
    pub use super::record::{EventRecord, LinkRecord, SpanRecord};
    pub use super::timed::timed_tree;
}
