//! The program behind `cargo demo`.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "this program talks to people"
)]

use std::{path::Path, process::ExitCode};

use anyhow::Context;
use demo_local::{
    arguments::{Arguments, HELP},
    binaries::Binaries,
    booking::BOOKING,
    observe::Observer,
    signals::Signals,
    stack::{Ports, Setting, Stack, client},
};

/// What shells say of a program that Ctrl-C has ended.
const INTERRUPTED: u8 = 130;

#[tokio::main]
async fn main() -> ExitCode {
    let outcome = match Arguments::from_env() {
        Ok(Arguments::Help) => {
            print!("{HELP}");
            Ok(ExitCode::SUCCESS)
        }
        Ok(Arguments::Run { once, ports }) => run(once, ports).await,
        Err(error) => Err(error),
    };
    outcome.unwrap_or_else(|error| {
        eprintln!("cargo demo: {error:#}");
        ExitCode::FAILURE
    })
}

/// Keeps the folder with databases and logs when something went wrong, and removes it when all went well.
async fn run(once: bool, ports: Ports) -> anyhow::Result<ExitCode> {
    ports.check()?;
    let folder = tempfile::Builder::new()
        .prefix("cargo-demo-")
        .tempdir()
        .context("cannot make a folder for the databases")?;
    let outcome = show(once, ports, folder.path()).await;
    if outcome.is_err() {
        eprintln!(
            "cargo demo: databases and logs stay in {}",
            folder.keep().display()
        );
    }
    outcome
}

async fn show(once: bool, ports: Ports, folder: &Path) -> anyhow::Result<ExitCode> {
    let mut signals = Signals::listen().context("cannot listen for signals")?;
    let observer = Observer::from_env()?;
    // A signal comes first: Ctrl-C reaches the other processes too, and their end is then no surprise.
    let mut stack = tokio::select! {
        biased;
        () = signals.next() => {
            eprintln!("Interrupted before the trace was whole.");
            return Ok(ExitCode::from(INTERRUPTED));
        }
        stack = first_booking(ports, folder, &observer) => stack?,
    };
    if once {
        stack.stop()?;
        observer.check_arrival(folder)?;
        return Ok(ExitCode::SUCCESS);
    }
    println!("\n{}", go_on(&stack, folder));
    tokio::select! {
        biased;
        () = signals.next() => eprintln!("Stopping all four processes ..."),
        outcome = observer.show_further(&mut stack, |trace| println!("\n{trace}")) => outcome?,
    }
    stack.stop()?;
    observer.check_arrival(folder)?;
    Ok(ExitCode::SUCCESS)
}

/// Builds and starts all, sends the booking and prints its trace.
async fn first_booking(ports: Ports, folder: &Path, observer: &Observer) -> anyhow::Result<Stack> {
    eprintln!("Building both services ...");
    let binaries = Binaries::build(folder).await?;
    eprintln!(
        "Starting two services and two workers in {} ...",
        folder.display()
    );
    let setting = Setting::in_files(ports, observer.telemetry().clone());
    let mut stack = Stack::start(&binaries, folder, setting).await?;
    eprintln!("Booking: {BOOKING}");
    demo_local::booking::send(&client()?, &stack.dispo_url, None).await?;
    let trace = observer.trace_of_booking(&mut stack).await?;
    println!("\n{trace}");
    Ok(stack)
}

/// What a person can do next.
fn go_on(stack: &Stack, folder: &Path) -> String {
    let (dispo, cleaning) = (&stack.dispo_url, &stack.cleaning_url);
    format!(
        "Both services run until Ctrl-C; their databases and logs are in {folder}.
  curl {dispo}/api/v1/rooms/
  curl {dispo}/api/v1/bookings/ -d '{{\"room_id\": 2, \"start\": \"2023-02-04\", \"end\": \"2023-02-06\"}}'
  curl {dispo}/api/v1/bookings/
  curl {cleaning}/api/v1/cleanings/",
        folder = folder.display(),
    )
}
