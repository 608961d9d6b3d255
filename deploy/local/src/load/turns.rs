//! What tracing costs: a booking service of each mode, side by side on one database and one queue, in turn.
//!
//! One after the other, they would be compared under whatever else the machine does at the time, which may be more than
//! what is looked for. Turns are short, so that whatever slows one down slows the next one as well.

use std::path::Path;

use anyhow::ensure;

use super::{
    arguments::Plan,
    drive::drive,
    measure::{self, Mode, WARM_UP},
    report::SideBySide,
    sink::Sink,
};
use crate::{
    binaries::Binaries,
    rabbitmq::ReservedBroker,
    stack::{Role, Telemetry},
};

/// Bookings that one service takes before the next has its turn.
const TURN: u32 = 100;

/// Runs all three beside each other, and gives the processor time for a booking in dispo, in microseconds and in the order
/// of [`Mode::ALL`].
///
/// What the services use while others have their turns counts as well; spans leave then.
///
/// # Errors
///
/// Something does not start, answer or end, or no spans arrive.
pub async fn run(
    plan: &Plan,
    first: usize,
    binaries: &Binaries,
    folder: &Path,
    broker: Option<&ReservedBroker>,
) -> anyhow::Result<SideBySide> {
    let sink = Sink::start(folder).await?;
    let (_database, mut stack) =
        measure::start(Telemetry::OFF, plan, binaries, folder, broker).await?;
    let mut services = Vec::new();
    for (mode, name) in Mode::ALL.into_iter().zip(["off", "all", "tenth"]) {
        let telemetry = mode.telemetry(&sink, plan);
        services.push(stack.start_beside(Role::Dispo, name, telemetry).await?);
    }
    let mut sent = 0;
    for (_, url) in &services {
        drive(url, sent..sent + WARM_UP, plan.connections).await?;
        sent += WARM_UP;
        measure::planned(&mut stack, sent).await?;
    }
    measure::settled(&mut stack, sent).await?;
    let ids = std::array::from_fn(|at| services[at].0);
    let before = measure::cpu(ids)?;
    let turns = plan.bookings.div_ceil(TURN);
    for turn in 0..turns as usize {
        for place in 0..services.len() {
            // There and back, so that none has always the same one before it.
            let place = if turn.is_multiple_of(2) {
                place
            } else {
                services.len() - 1 - place
            };
            let (_, url) = &services[(first + place) % services.len()];
            drive(url, sent..sent + TURN, plan.connections).await?;
            sent += TURN;
            measure::planned(&mut stack, sent).await?;
        }
    }
    measure::settled(&mut stack, sent).await?;
    let after = measure::cpu(ids)?;
    measure::stop(stack)?;
    ensure!(sink.stop().await? > 0, "no spans arrived");
    Ok(measure::cpu_us(&before, &after, turns * TURN))
}
