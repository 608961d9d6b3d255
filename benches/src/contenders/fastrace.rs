//! `fastrace`, with its reporter for OpenTelemetry.

use std::borrow::Cow;

use fastrace::collector::Config;
use fastrace::prelude::{Event, LocalSpan, Span, SpanContext};
use fastrace::trace;
use fastrace_opentelemetry::OpenTelemetryReporter;
use opentelemetry::InstrumentationScope;
use opentelemetry_sdk::Resource;

use super::null::{Null, otlp};
use super::{Failure, Functions, Parent, Pending, Setup, block_on};

#[inline(never)]
#[trace(short_name = true)]
fn plain(number: u64) -> u64 {
    number.wrapping_mul(3)
}

#[inline(never)]
#[trace(short_name = true, properties = { "user.id": "{number}", "room": "{room}", "price": "{price}", "is_new": "{is_new}" })]
fn attributes(number: u64, room: &str, price: f64, is_new: bool) -> u64 {
    LocalSpan::add_event(Event::new("checked").with_property(|| ("nights", "3")));
    number.wrapping_mul(3)
}

#[trace(short_name = true)]
fn tree(number: u64) -> u64 {
    (0..10).map(|_| chain(number, 10)).sum()
}

#[inline(never)]
#[trace(short_name = true)]
fn chain(number: u64, depth: u32) -> u64 {
    if depth == 1 {
        number
    } else {
        std::hint::black_box(chain(number, depth - 1))
    }
}

#[trace(short_name = true)]
async fn task(number: u64) -> u64 {
    Pending(3).await;
    number
}

fn under(parent: Parent, work: &mut dyn FnMut()) {
    let context = SpanContext::random().sampled(parent != Parent::Unsampled);
    let root = Span::root("parent", context);
    let _current = root.set_local_parent();
    work();
}

pub(super) fn start(setup: &Setup) -> Result<Functions, Failure> {
    let resource = Cow::Owned(Resource::builder().with_service_name("benches").build());
    let scope = InstrumentationScope::builder("benches").build();
    match setup {
        Setup::Off => {}
        Setup::Null => fastrace::set_reporter(
            OpenTelemetryReporter::new(Null, resource, scope),
            Config::default(),
        ),
        Setup::Http(_) | Setup::Grpc(_) => fastrace::set_reporter(
            OpenTelemetryReporter::new(otlp(setup)?, resource, scope),
            Config::default(),
        ),
    }
    Ok(Functions {
        plain,
        attributes,
        leaf: plain,
        leaf_attributes: attributes,
        tree,
        task: |number| block_on(task(number)),
        under: if *setup == Setup::Off {
            |_, work| work()
        } else {
            under
        },
        flush: Box::new(|| {
            fastrace::flush();
            None
        }),
    })
}
