//! How many instructions the calling thread takes for a span, as valgrind counts them. They do not depend on what else the
//! machine does, and say less than times do: not all instructions take as long.

use std::io::Write as _;
use std::process::{Command, Stdio};

use crate::child::{self, Task};
use crate::contenders::{Contender, Failure, Setup};
use crate::scenario::Scenario;

pub(crate) const COMMAND: &str = "instructions";

/// The work in it is counted: see [`child`].
const FUNCTION: &str = "benches::child::counted";

const SPANS: u32 = 5_000;

/// What is counted, and where the spans go.
const COLUMNS: [(&str, Setup, Scenario); 7] = [
    ("off", Setup::Off, Scenario::Plain),
    ("unsampled parent", Setup::Null, Scenario::Unsampled),
    (
        "the same, 4 attributes + 1 event",
        Setup::Null,
        Scenario::UnsampledAttributes,
    ),
    ("sampled", Setup::Null, Scenario::Plain),
    ("4 attributes + 1 event", Setup::Null, Scenario::Attributes),
    ("leaf", Setup::Null, Scenario::Leaf),
    ("async, 3 pending polls", Setup::Null, Scenario::Async),
];

pub(crate) fn run() -> Result<(), Failure> {
    println!("Instructions on the calling thread for each span.\n");
    let names: Vec<_> = COLUMNS.iter().map(|(name, ..)| *name).collect();
    println!("| | {} |", names.join(" | "));
    println!("|---|{}", "---|".repeat(COLUMNS.len()));
    for (contender, name) in Contender::ALL {
        print!("| {name} |");
        for (_, setup, scenario) in &COLUMNS {
            print!(" {:.0} |", count(contender, setup, *scenario)?);
            std::io::stdout().flush()?;
        }
        println!();
    }
    Ok(())
}

fn count(contender: Contender, setup: &Setup, scenario: Scenario) -> Result<f64, Failure> {
    let mut command = Command::new("valgrind");
    command
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .args(["--collect-atstart=no"])
        .arg(format!("--toggle-collect={FUNCTION}*"))
        .arg(std::env::current_exe()?);
    let mut child = child::contending(command, contender, setup)
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| format!("valgrind, which counts, cannot be started: {error}"))?;
    if let Some(mut to) = child.stdin.take() {
        writeln!(to, "{} {} {SPANS}", Task::Counted.name(), scenario.name())?;
    }
    let output = child.wait_with_output()?;
    let told = String::from_utf8_lossy(&output.stderr);
    let total: u32 = told
        .lines()
        .find_map(|line| line.split_once("Collected :")?.1.trim().parse().ok())
        .filter(|_| output.status.success())
        .ok_or_else(|| format!("valgrind counted nothing: {told}"))?;
    Ok(f64::from(total) / f64::from(SPANS))
}
