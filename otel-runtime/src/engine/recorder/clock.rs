//! Wall-clock times from a counter of the processor, which is read in a third of the time of a call to the system.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use quanta::Clock as Counter;

/// Spans that last longer end by the wall clock of then, as the counter may drift.
const TRUSTED: u64 = 1_000_000_000;

/// A reading that took less, in nanoseconds, is good enough; otherwise the best of some is taken.
const CLOSE: u64 = 10_000;
const READINGS: usize = 5;

/// A counter, and how far it is from the wall clock.
#[derive(Debug)]
pub(super) struct Clock {
    counter: Counter,
    /// Nanoseconds from the counter's zero to the epoch, modulo 2^64; set anew again and again.
    offset: AtomicU64,
}

/// How far the counter is from the wall clock, and how exactly that is known: nanoseconds.
struct Reading {
    offset: u64,
    gap: u64,
}

/// When a span started.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Start {
    /// Nanoseconds since the epoch.
    pub(super) unix: u64,
    /// Nanoseconds since the counter's zero.
    counter: u64,
}

impl Clock {
    pub(super) fn new() -> Self {
        let clock = Self {
            counter: Counter::new(),
            offset: AtomicU64::new(0),
        };
        clock.anchor();
        clock
    }

    /// Sets the clock by the system's.
    pub(super) fn anchor(&self) {
        // Between two readings the system may let others run, for as long as it likes.
        let mut best = self.reading();
        for _ in 1..READINGS {
            if best.gap < CLOSE {
                break;
            }
            let next = self.reading();
            if next.gap < best.gap {
                best = next;
            }
        }
        self.offset.store(best.offset, Ordering::Relaxed);
    }

    /// Reads the system's clock between two looks at the counter.
    fn reading(&self) -> Reading {
        let before = self.counter_nanos();
        let unix = unix_nanos(SystemTime::now());
        let gap = self.counter_nanos().wrapping_sub(before);
        Reading {
            offset: unix.wrapping_sub(before.wrapping_add(gap / 2)),
            gap,
        }
    }

    /// The time of now, for a span that starts.
    pub(super) fn start(&self) -> Start {
        let counter = self.counter_nanos();
        Start {
            unix: self.unix(counter),
            counter,
        }
    }

    /// A start that the application tells.
    pub(super) fn start_at(&self, time: SystemTime) -> Start {
        let unix = unix_nanos(time);
        Start {
            unix,
            counter: unix.wrapping_sub(self.offset.load(Ordering::Relaxed)),
        }
    }

    /// Nanoseconds since the epoch, of what happens now in a span; never before its start, whatever the wall clock does.
    pub(super) fn now_in(&self, span: Start) -> u64 {
        let counter = self.counter_nanos();
        let elapsed = counter.wrapping_sub(span.counter);
        if elapsed < TRUSTED {
            span.unix + elapsed
        } else {
            self.unix(counter).max(span.unix)
        }
    }

    fn unix(&self, counter: u64) -> u64 {
        counter.wrapping_add(self.offset.load(Ordering::Relaxed))
    }

    fn counter_nanos(&self) -> u64 {
        self.counter.delta_as_nanos(0, self.counter.raw())
    }
}

/// Nanoseconds since the epoch: 0 for what was before, the greatest number for what comes after the year 2554.
pub(super) fn unix_nanos(time: SystemTime) -> u64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn follows_the_wall_clock() {
        let clock = Clock::new();
        let before = unix_nanos(SystemTime::now());
        let start = clock.start();
        let end = clock.now_in(start);
        let after = unix_nanos(SystemTime::now());
        let slack = 1_000_000;
        assert!(before < start.unix + slack && start.unix <= end && end < after + slack);
    }

    #[test]
    fn a_short_span_does_not_see_the_wall_clock_step() {
        let clock = Clock::new();
        let start = clock.start();
        clock.offset.fetch_sub(3_600_000_000_000, Ordering::Relaxed);
        let end = clock.now_in(start);
        assert!((start.unix..start.unix + TRUSTED).contains(&end));
    }

    #[test]
    fn a_long_span_ends_by_the_wall_clock_but_not_before_its_start() {
        let clock = Clock::new();
        let start = Start {
            counter: clock.counter_nanos().wrapping_sub(2 * TRUSTED),
            ..clock.start()
        };
        clock.offset.fetch_add(1_000, Ordering::Relaxed);
        assert!(clock.now_in(start) >= start.unix + 1_000);
        clock.offset.fetch_sub(3_600_000_000_000, Ordering::Relaxed);
        assert_eq!(clock.now_in(start), start.unix);
    }

    #[test]
    fn a_start_that_is_told_is_kept() {
        let clock = Clock::new();
        let hour_ago = SystemTime::now() - Duration::from_hours(1);
        let start = clock.start_at(hour_ago);
        assert_eq!(start.unix, unix_nanos(hour_ago));
        assert!(clock.now_in(start) > start.unix + 3_599_000_000_000);
    }
}
