//! What spans cost: by hand, by these macros, and by others.
//!
//! `cargo bench-spans` runs it all and prints two tables; see `docs/performance.md`. Each contender lives in a process of its
//! own, since provider, subscriber and reporter are global, and waits there while others are measured: the rounds are
//! interleaved, and only one of them works at a time. `cargo bench-instructions` has valgrind count instead.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "tables are what this program is for"
)]

mod child;
mod comparison;
mod contenders;
mod instructions;
mod processors;
mod scenario;

use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let result = match arguments.first().map(String::as_str) {
        Some(child::COMMAND) => child::run(&arguments[1..]),
        Some(instructions::COMMAND) => instructions::run(),
        _ => comparison::run(&arguments),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("benches: {error}");
            ExitCode::FAILURE
        }
    }
}
