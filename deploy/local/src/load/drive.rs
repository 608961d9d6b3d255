//! Sends bookings over several connections, each as fast as it is answered.

use std::{
    ops::Range,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::Context;
use tokio::task::JoinSet;

use crate::{booking, stack::client};

/// What came of many bookings.
#[derive(Clone, Debug)]
pub struct Driven {
    /// From the first request to the last answer.
    pub wall: Duration,
    /// How long each was waited for, the shortest first.
    pub latencies: Vec<Duration>,
}

impl Driven {
    /// The latency that this part of the bookings (0 to 1) did not exceed.
    #[must_use]
    pub fn quantile(&self, part: f64) -> Duration {
        #[expect(
            clippy::cast_precision_loss,
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "there are fewer bookings than days"
        )]
        let at = (self.latencies.len() as f64 * part).ceil() as usize;
        let at = at.clamp(1, self.latencies.len().max(1)) - 1;
        self.latencies.get(at).copied().unwrap_or_default()
    }
}

/// Sends these bookings to the service at `url`.
///
/// # Errors
///
/// One of them is not answered, or refused.
pub async fn drive(url: &str, bookings: Range<u32>, connections: usize) -> anyhow::Result<Driven> {
    let client = client()?;
    let next = Arc::new(AtomicU32::new(bookings.start));
    let mut tasks = JoinSet::new();
    let begun = Instant::now();
    for _ in 0..connections {
        let (client, next, end) = (client.clone(), Arc::clone(&next), bookings.end);
        let url = format!("{url}/api/v1/bookings/");
        tasks.spawn(async move {
            let mut latencies = Vec::new();
            loop {
                let n = next.fetch_add(1, Ordering::Relaxed);
                if n >= end {
                    return anyhow::Ok(latencies);
                }
                let request = client
                    .post(&url)
                    .header("content-type", "application/json")
                    .body(booking::nth(n));
                let sent = Instant::now();
                let answer = request.send().await.context("a booking was not answered")?;
                answer
                    .error_for_status()
                    .context("a booking was refused")?
                    .bytes()
                    .await?;
                latencies.push(sent.elapsed());
            }
        });
    }
    let mut latencies = Vec::new();
    while let Some(done) = tasks.join_next().await {
        latencies.extend(done??);
    }
    let wall = begun.elapsed();
    latencies.sort_unstable();
    Ok(Driven { wall, latencies })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quantile_is_one_of_the_latencies() {
        let driven = Driven {
            wall: Duration::from_secs(1),
            latencies: (1..=10).map(Duration::from_millis).collect(),
        };
        let quantile = |part| driven.quantile(part).as_millis();
        assert_eq!([quantile(0.5), quantile(0.9), quantile(0.99)], [5, 9, 10]);
    }
}
