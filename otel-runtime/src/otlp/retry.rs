//! How long to wait before a request is sent again.

use std::time::Duration;

use rand::rngs::SmallRng;
use rand::{Rng as _, SeedableRng as _};

const FIRST: Duration = Duration::from_millis(500);
const LONGEST: Duration = Duration::from_secs(5);

/// Pauses that grow, and differ from process to process, so that not all come back at once.
#[derive(Debug)]
pub(super) struct Pauses {
    next: Duration,
    random: SmallRng,
}

impl Pauses {
    pub(super) fn new() -> Self {
        Self {
            next: FIRST,
            random: SmallRng::from_os_rng(),
        }
    }

    /// The pause from now on: no shorter than what the receiver wants.
    pub(super) fn next(&mut self, asked: Option<Duration>) -> Duration {
        let most = self.next;
        self.next = (most * 2).min(LONGEST);
        let own = most.mul_f64(self.random.random_range(0.5..=1.0));
        asked.map_or(own, |asked| asked.max(own))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_up_to_a_bound() {
        let mut pauses = Pauses::new();
        for most in [500, 1_000, 2_000, 4_000, 5_000, 5_000].map(Duration::from_millis) {
            let pause = pauses.next(None);
            assert!(most / 2 <= pause && pause <= most, "{pause:?} of {most:?}");
        }
        let asked = Duration::from_secs(7);
        assert_eq!(pauses.next(Some(asked)), asked);
        assert!(pauses.next(Some(Duration::ZERO)) >= Duration::from_millis(2_500));
    }
}
