//! What all runs came to, and whether the bounds are met.

use std::fmt::{self, Display, Write as _};

use super::measure::{Mode, Sample};

/// What a booking may cost the booking service with all spans exported: a tenth of what the program takes that this one
/// is measured against.
const MOST_CPU_US: f64 = 540.0;

/// What tracing may add to the processor time of a booking, in percent.
const MOST_COST_PERCENT: f64 = 5.0;

/// The runs of a round, in the order of [`Mode::ALL`].
pub type Round = [Sample; 3];

/// Processor time for a booking in dispo, in microseconds, where the three run beside each other.
pub type SideBySide = [f64; 3];

/// The middle of several figures, and how far they spread.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spread {
    median: f64,
    least: f64,
    most: f64,
}

impl Spread {
    fn of(figures: impl Iterator<Item = f64>) -> Self {
        let mut figures: Vec<_> = figures.collect();
        figures.sort_by(f64::total_cmp);
        let at = |index: usize| figures.get(index).copied().unwrap_or(f64::NAN);
        let middle = figures.len() / 2;
        let lower = if figures.len().is_multiple_of(2) {
            middle.saturating_sub(1)
        } else {
            middle
        };
        Self {
            median: f64::midpoint(at(lower), at(middle)),
            least: at(0),
            most: at(figures.len().saturating_sub(1)),
        }
    }
}

impl Display for Spread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = usize::from(self.most < 100.0);
        let Self {
            median,
            least,
            most,
        } = self;
        write!(f, "{median:.digits$} ({least:.digits$} to {most:.digits$})")
    }
}

/// A bound, and what was measured.
#[derive(Clone, Debug, PartialEq)]
pub struct Bound {
    promise: &'static str,
    measured: Spread,
    most: f64,
    unit: &'static str,
}

impl Bound {
    /// Whether the median keeps to it.
    #[must_use]
    pub fn is_met(&self) -> bool {
        self.measured.median <= self.most
    }
}

impl Display for Bound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            promise,
            measured,
            most,
            unit,
        } = self;
        let met = if self.is_met() { "met" } else { "not met" };
        write!(f, "{met}: {promise}: {measured} {unit}, at most {most}")
    }
}

/// The two bounds.
#[must_use]
pub fn bounds(rounds: &[Round], side_by_side: &[SideBySide]) -> [Bound; 2] {
    let dispo = |round: &Round| round[Mode::All as usize].cpu_us[0];
    let cost = |cpu_us: &SideBySide| {
        let off = cpu_us[Mode::Off as usize];
        (cpu_us[Mode::All as usize] - off) / off * 100.0
    };
    [
        Bound {
            promise: "CPU for a booking in dispo, all spans exported",
            measured: Spread::of(rounds.iter().map(dispo)),
            most: MOST_CPU_US,
            unit: "µs",
        },
        Bound {
            promise: "what tracing adds to the CPU for a booking in dispo",
            measured: Spread::of(side_by_side.iter().map(cost)),
            most: MOST_COST_PERCENT,
            unit: "%",
        },
    ]
}

/// A table: a row for each figure, a column for each mode.
#[must_use]
pub fn table(rounds: &[Round], side_by_side: &[SideBySide]) -> String {
    type Figure = (&'static str, fn(&Sample) -> f64);
    let figures: [Figure; 11] = [
        ("bookings per second", |sample| sample.rate),
        ("latency p50, ms", |sample| sample.latencies_ms[0]),
        ("latency p90, ms", |sample| sample.latencies_ms[1]),
        ("latency p99, ms", |sample| sample.latencies_ms[2]),
        ("CPU of dispo, µs", |sample| sample.cpu_us[0]),
        ("CPU of cleaning-worker, µs", |sample| sample.cpu_us[1]),
        ("CPU of dispo-worker, µs", |sample| sample.cpu_us[2]),
        ("memory of dispo, MB", |sample| sample.memory_mb[0]),
        ("memory of cleaning-worker, MB", |sample| {
            sample.memory_mb[1]
        }),
        ("memory of dispo-worker, MB", |sample| sample.memory_mb[2]),
        ("spans that arrived", |sample| sample.spans),
    ];
    let mut table = String::new();
    let mut row = |name: &str, cell: &dyn Fn(Mode) -> String| {
        let cells = Mode::ALL.map(|mode| format!("{:>26}", cell(mode)));
        let _ = writeln!(table, "{name:32}{}", cells.concat());
    };
    row("for each booking", &|mode| mode.name().to_owned());
    for (name, figure) in figures {
        row(name, &|mode| {
            Spread::of(rounds.iter().map(|round| figure(&round[mode as usize]))).to_string()
        });
    }
    row("CPU of dispo side by side, µs", &|mode| {
        Spread::of(side_by_side.iter().map(|cpu_us| cpu_us[mode as usize])).to_string()
    });
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    fn round(all: f64) -> Round {
        [500.0, all, 500.0].map(|dispo| Sample {
            rate: 250.0,
            latencies_ms: [1.0, 2.0, 3.0],
            cpu_us: [dispo, 20.0, 30.0],
            memory_mb: [40.0; 3],
            spans: 16.0,
        })
    }

    #[test]
    fn the_median_decides() {
        let rounds = [520.0, 560.0, 510.0].map(round);
        let side_by_side = [520.0, 560.0, 510.0].map(|all| [500.0, all, 500.0]);
        let [cpu, cost] = bounds(&rounds, &side_by_side);
        assert_eq!(
            [cpu.to_string(), cost.to_string()],
            [
                "met: CPU for a booking in dispo, all spans exported: 520 (510 to 560) µs, at most 540",
                "met: what tracing adds to the CPU for a booking in dispo: 4.0 (2.0 to 12.0) %, at most 5",
            ]
        );
        let [cpu, cost] = bounds(&[round(541.0)], &[[500.0, 526.0, 500.0]]);
        assert!(!cpu.is_met() && !cost.is_met());
    }

    #[test]
    fn between_two_lies_their_mean() {
        let spread = Spread::of([4.0, 1.0].into_iter());
        assert_eq!(spread.to_string(), "2.5 (1.0 to 4.0)");
    }
}
