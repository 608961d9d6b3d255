//! What stands in for metrics where the feature `metrics` is off.

#![expect(
    clippy::unused_self,
    reason = "the same methods as where there is something to measure"
)]

use reqwest::{Request, Response};

pub(super) struct Measure;

impl Measure {
    pub(super) fn start(_: &Request) -> Self {
        Self
    }

    pub(super) fn answered(&mut self, _: &Response) {}

    pub(super) fn failed(&mut self, _: String) {}
}
