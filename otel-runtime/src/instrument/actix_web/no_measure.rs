//! What stands in for metrics where the feature `metrics` is off.

#![expect(
    clippy::unused_self,
    reason = "the same methods as where there is something to measure"
)]

use std::{borrow::Cow, rc::Rc};

use actix_web::{dev::ServiceRequest, http::StatusCode};

use crate::instrument::http::Method;

#[derive(Debug)]
pub(super) struct Instruments;

impl Instruments {
    pub(super) fn new() -> Rc<Self> {
        Rc::new(Self)
    }
}

#[derive(Debug)]
pub(super) struct Measure;

impl Measure {
    pub(super) fn start(_: &Rc<Instruments>, _: &ServiceRequest, _: &Method) -> Self {
        Self
    }

    pub(super) fn is_measuring(&self) -> bool {
        false
    }

    pub(super) fn set_route(&mut self, _: &str) {}

    pub(super) fn set_status(&mut self, _: StatusCode) {}

    pub(super) fn fail(&mut self, _: Cow<'static, str>) {}
}
