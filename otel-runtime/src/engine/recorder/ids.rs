//! Trace and span ids, random, from a generator of each thread.

use opentelemetry::trace::{SpanId, TraceId};
use opentelemetry_sdk::trace::{IdGenerator as _, RandomIdGenerator};
use rand::rngs::SmallRng;
use rand::{Rng as _, SeedableRng as _};

/// Fast, and with 256 bits of state, so that no two of very many threads and processes come to the same ids. It is not made
/// for secrets, and ids are none.
#[derive(Debug)]
pub(super) struct Ids(SmallRng);

impl Ids {
    /// Seeded by the SDK's generator, which is seeded by the system.
    pub(super) fn new() -> Self {
        let seeds = RandomIdGenerator::default();
        let mut seed = [0; 32];
        let (first, second) = seed.split_at_mut(16);
        first.copy_from_slice(&seeds.new_trace_id().to_bytes());
        second.copy_from_slice(&seeds.new_trace_id().to_bytes());
        Self(SmallRng::from_seed(seed))
    }

    pub(super) fn trace_id(&mut self) -> TraceId {
        loop {
            let id = TraceId::from(self.0.random::<u128>());
            if id != TraceId::INVALID {
                return id;
            }
        }
    }

    pub(super) fn span_id(&mut self) -> SpanId {
        loop {
            let id = SpanId::from(self.0.random::<u64>());
            if id != SpanId::INVALID {
                return id;
            }
        }
    }
}
