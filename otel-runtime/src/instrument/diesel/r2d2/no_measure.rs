//! What stands in for metrics where the feature `metrics` is off.

#![expect(
    clippy::unused_self,
    reason = "the same methods as where there is something to measure"
)]

use std::time::Instant;

use opentelemetry::StringValue;

pub(super) struct Measure;

impl Measure {
    pub(super) fn new(_: StringValue) -> Self {
        Self
    }

    pub(super) fn taken(&self, _: Instant) {}

    pub(super) fn timed_out(&self) {}

    pub(super) fn pending(&self, _: i64) {}
}
