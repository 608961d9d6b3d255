//! The program behind `cargo load`.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "this program talks to people"
)]

use std::process::ExitCode;

use anyhow::Context;
use demo_local::{
    binaries::Binaries,
    load::{
        arguments::{Arguments, HELP, Plan},
        measure::{self, Mode, Sample},
        report, sink, turns,
    },
    rabbitmq::ReservedBroker,
    usage,
};

/// So often in each round the three run side by side. Processes that are alike differ by more than what is looked for, so
/// there have to be new ones again and again.
const SIDE_BY_SIDE: usize = 3;

#[tokio::main]
async fn main() -> ExitCode {
    let outcome = match Arguments::from_env() {
        Ok(Arguments::Help) => {
            print!("{HELP}");
            Ok(ExitCode::SUCCESS)
        }
        Ok(Arguments::Sink) => sink::run().await.map(|()| ExitCode::SUCCESS),
        Ok(Arguments::Run(plan)) => run(&plan).await,
        Err(error) => Err(error),
    };
    outcome.unwrap_or_else(|error| {
        eprintln!("cargo load: {error:#}");
        ExitCode::FAILURE
    })
}

async fn run(plan: &Plan) -> anyhow::Result<ExitCode> {
    // Before the build, which takes minutes.
    usage::check()?;
    let folder = tempfile::Builder::new()
        .prefix("cargo-load-")
        .tempdir()
        .context("cannot make a folder for the databases")?;
    eprintln!("Building both services ...");
    let binaries = Binaries::build_as("release", folder.path()).await?;
    let broker = match &plan.amqp {
        Some(url) => Some(ReservedBroker::reserve(url).await?),
        None => None,
    };
    let (mut rounds, mut side_by_side) = (Vec::new(), Vec::new());
    for round in 0..plan.rounds {
        let mut samples: [Option<Sample>; 3] = [None; 3];
        // Whoever comes first in one round comes later in the next.
        for place in 0..Mode::ALL.len() {
            let mode = Mode::ALL[(round + place) % Mode::ALL.len()];
            let folder = folder.path().join(format!("{round}-{place}"));
            std::fs::create_dir(&folder)?;
            let sample = measure::run(mode, plan, &binaries, &folder, broker.as_ref()).await;
            let sample = sample.with_context(|| {
                format!("with tracing: {}, in round {}", mode.name(), round + 1)
            })?;
            eprintln!(
                "round {}, tracing: {}: {:.0} bookings per second, {:.0} µs of dispo for each",
                round + 1,
                mode.name(),
                sample.rate,
                sample.cpu_us[0]
            );
            samples[mode as usize] = Some(sample);
        }
        if let [Some(off), Some(all), Some(tenth)] = samples {
            rounds.push([off, all, tenth]);
        }
        for beside in 0..SIDE_BY_SIDE {
            let folder = folder.path().join(format!("{round}-beside-{beside}"));
            std::fs::create_dir(&folder)?;
            let first = round + beside;
            let cpu_us = turns::run(plan, first, &binaries, &folder, broker.as_ref()).await;
            let cpu_us = cpu_us.with_context(|| format!("side by side, in round {}", round + 1))?;
            let [off, all, tenth] = cpu_us;
            eprintln!(
                "round {}, side by side: {off:.0}, {all:.0} and {tenth:.0} µs of dispo for each",
                round + 1
            );
            side_by_side.push(cpu_us);
        }
    }
    if let Some(broker) = broker {
        broker.release().await?;
    }
    println!(
        "\n{}\n{}",
        conditions(plan),
        report::table(&rounds, &side_by_side)
    );
    let bounds = report::bounds(&rounds, &side_by_side);
    for bound in &bounds {
        println!("{bound}");
    }
    let met = bounds.iter().all(report::Bound::is_met);
    Ok(if met || !plan.check {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// What the figures depend on.
fn conditions(plan: &Plan) -> String {
    format!(
        "{} bookings over {} connections, {} rounds, on {} and {}, spans by OTLP/{}{}; the median (and the spread)",
        plan.bookings,
        plan.connections,
        plan.rounds,
        plan.postgres.as_ref().map_or("SQLite", |_| "PostgreSQL"),
        plan.amqp
            .as_ref()
            .map_or("a queue in a file", |_| "RabbitMQ"),
        if plan.grpc { "gRPC" } else { "HTTP" },
        if plan.journal { " and in journals" } else { "" },
    )
}
