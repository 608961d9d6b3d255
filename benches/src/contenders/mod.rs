//! Who is compared.

mod bare;
mod by_hand;
mod fastrace;
mod floor;
mod null;
mod otel;
pub(crate) mod ours;
mod traceable;
mod tracing;

use std::error::Error;
use std::future::Future;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};

pub(crate) type Failure = Box<dyn Error + Send + Sync>;

/// So many spans may wait, and so many go out together, whoever makes them.
pub(crate) const QUEUE: usize = 65_536;
pub(crate) const BATCH: usize = 8_192;

/// Where the spans go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Setup {
    /// There is no provider.
    Off,
    /// They are exported in batches, to nobody.
    Null,
    /// Over OTLP by HTTP, to this endpoint.
    Http(String),
    /// Over OTLP by gRPC, to this endpoint.
    Grpc(String),
}

/// What is current around a piece of work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Parent {
    None,
    Sampled,
    Unsampled,
}

/// Exports what has ended; the answer is how many were dropped so far, where that is counted.
pub(crate) type Flush = Box<dyn Fn() -> Option<u64> + Sync>;

pub(crate) type WithAttributes = fn(u64, &str, f64, bool) -> u64;

/// What a contender can do.
pub(crate) struct Functions {
    pub(crate) plain: fn(u64) -> u64,
    pub(crate) attributes: WithAttributes,
    pub(crate) leaf: fn(u64) -> u64,
    pub(crate) leaf_attributes: WithAttributes,
    pub(crate) tree: fn(u64) -> u64,
    pub(crate) task: fn(u64) -> u64,
    /// Does work with a parent that is current.
    pub(crate) under: fn(Parent, &mut dyn FnMut()),
    pub(crate) flush: Flush,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Contender {
    Bare,
    Floor,
    ByHand,
    CachedTracer,
    OverOurs,
    Ours,
    Tracing,
    Fastrace,
    Traceable,
    Otel,
}

impl Contender {
    pub(crate) const ALL: [(Self, &'static str); 10] = [
        (Self::Bare, "bare function"),
        (Self::Floor, "a context with a span that does nothing"),
        (Self::ByHand, "by hand, tracer per call"),
        (Self::CachedTracer, "by hand, cached tracer"),
        (Self::Otel, "otel 0.6"),
        (Self::Traceable, "opentelemetry-traceable 0.3"),
        (Self::Tracing, "tracing + tracing-opentelemetry"),
        (Self::Fastrace, "fastrace + fastrace-opentelemetry"),
        (Self::OverOurs, "by hand, over our provider"),
        (Self::Ours, "otel-macros"),
    ];

    pub(crate) fn name(self) -> &'static str {
        let mut all = Self::ALL.iter();
        all.find(|(contender, _)| *contender == self)
            .map_or("", |(_, name)| name)
    }

    pub(crate) fn named(name: &str) -> Option<Self> {
        let mut all = Self::ALL.iter();
        all.find(|(_, it)| *it == name)
            .map(|(contender, _)| *contender)
    }

    pub(crate) fn start(self, setup: &Setup) -> Result<Functions, Failure> {
        match self {
            Self::Bare => Ok(bare::functions()),
            Self::Floor => Ok(floor::functions()),
            Self::ByHand => by_hand::start(setup),
            Self::CachedTracer => by_hand::start_cached(setup),
            Self::OverOurs => by_hand::start_over_ours(setup),
            Self::Ours => ours::start(setup),
            Self::Tracing => tracing::start(setup),
            Self::Fastrace => fastrace::start(setup),
            Self::Traceable => traceable::start(setup),
            Self::Otel => otel::start(setup),
        }
    }
}

/// Runs a future to its end.
pub(crate) fn block_on<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    let mut context = Context::from_waker(Waker::noop());
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
            return output;
        }
    }
}

/// Pending so many times.
pub(crate) struct Pending(pub(crate) u8);

impl Future for Pending {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        if self.0 == 0 {
            return Poll::Ready(());
        }
        self.0 -= 1;
        Poll::Pending
    }
}
