//! Exporters of our own, and what they share: a finished span as plain data, and traces as indented text.

pub(crate) mod console;
mod forest;
#[cfg(feature = "testing")]
mod otlp;
#[cfg(feature = "testing")]
mod plain;
mod record;
mod text;
mod timed;

#[cfg(feature = "testing")]
pub(crate) use otlp::records;
#[cfg(feature = "testing")]
pub use plain::tree;
#[cfg(feature = "testing")]
pub(crate) use record::shared_resource;
pub use record::{Detail, SpanRecord};
#[cfg(feature = "testing")]
pub use record::{EventRecord, LinkRecord};
#[cfg(feature = "testing")]
pub use timed::timed_tree;
