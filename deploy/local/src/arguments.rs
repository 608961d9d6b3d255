//! What `cargo demo` is told on its command line.

use std::env;

use anyhow::{Context, bail};

use crate::stack::Ports;

/// What is printed for `--help`.
pub const HELP: &str = "\
Sends one booking through two services and shows its trace.

Usage: cargo demo [OPTIONS]

Options:
  --once                   end after the trace instead of waiting for Ctrl-C
  --port-dispo <PORT>      port of the booking service (else DISPO_PORT, else 8080)
  --port-cleaning <PORT>   port of the cleaning service (else CLEANING_PORT, else 8081)
  -h, --help               print this

The spans are collected by this program itself. Set OTEL_EXPORTER_OTLP_ENDPOINT, and what else
OpenTelemetry has of variables, to send them to a server instead, for example to a Jaeger:
  OTEL_EXPORTER_OTLP_ENDPOINT=http://localhost:4318 cargo demo
";

/// What to do.
#[derive(Debug, PartialEq, Eq)]
pub enum Arguments {
    /// Print the help.
    Help,
    /// Run the demo.
    Run {
        /// End after the trace.
        once: bool,
        /// Where the services listen.
        ports: Ports,
    },
}

impl Arguments {
    /// Reads the arguments and the environment of this process.
    ///
    /// # Errors
    ///
    /// An argument or a port that cannot be understood.
    pub fn from_env() -> anyhow::Result<Self> {
        Self::read(env::args().skip(1), |variable| env::var(variable).ok())
    }

    fn read(
        arguments: impl Iterator<Item = String>,
        lookup: impl Fn(&str) -> Option<String>,
    ) -> anyhow::Result<Self> {
        let port = |variable, default| match lookup(variable).filter(|text| !text.is_empty()) {
            None => Ok(default),
            Some(text) => parse_port(variable, &text),
        };
        let mut once = false;
        let mut ports = Ports {
            dispo: port("DISPO_PORT", 8080)?,
            cleaning: port("CLEANING_PORT", 8081)?,
        };
        let mut arguments = arguments.flat_map(|argument| {
            // `--option=value` is `--option value`.
            let words: Vec<_> = argument.splitn(2, '=').map(str::to_owned).collect();
            words
        });
        while let Some(argument) = arguments.next() {
            let mut value = || {
                let text = arguments
                    .next()
                    .with_context(|| format!("{argument} needs a port"))?;
                parse_port(&argument, &text)
            };
            match argument.as_str() {
                "--once" => once = true,
                "--port-dispo" => ports.dispo = value()?,
                "--port-cleaning" => ports.cleaning = value()?,
                "-h" | "--help" => return Ok(Self::Help),
                other => bail!(
                    "there is no argument `{other}`; `cargo demo --help` tells which there are"
                ),
            }
        }
        Ok(Self::Run { once, ports })
    }
}

fn parse_port(name: &str, text: &str) -> anyhow::Result<u16> {
    text.parse()
        .ok()
        .with_context(|| format!("{name}: `{text}` is no port; use a number from 0 to 65535"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(arguments: &str, variables: &[(&str, &str)]) -> Result<Arguments, String> {
        let lookup = |asked: &str| {
            variables
                .iter()
                .find(|(name, _)| *name == asked)
                .map(|(_, value)| (*value).to_owned())
        };
        Arguments::read(arguments.split_whitespace().map(str::to_owned), lookup)
            .map_err(|error| error.to_string())
    }

    fn run(once: bool, dispo: u16, cleaning: u16) -> Arguments {
        Arguments::Run {
            once,
            ports: Ports { dispo, cleaning },
        }
    }

    #[test]
    fn nothing_said_gives_the_defaults() {
        assert_eq!(read("", &[]), Ok(run(false, 8080, 8081)));
    }

    #[test]
    fn the_command_line_wins_over_the_environment() {
        let variables = [("DISPO_PORT", "9000"), ("CLEANING_PORT", "9001")];
        assert_eq!(
            read("--once --port-dispo 7000", &variables),
            Ok(run(true, 7000, 9001))
        );
        assert_eq!(
            read("--port-cleaning=7001", &variables),
            Ok(run(false, 9000, 7001))
        );
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (arguments, message) in [
            (
                "--twice",
                "there is no argument `--twice`; `cargo demo --help` tells which there are",
            ),
            ("--port-dispo", "--port-dispo needs a port"),
            (
                "--port-dispo 80800",
                "--port-dispo: `80800` is no port; use a number from 0 to 65535",
            ),
        ] {
            assert_eq!(read(arguments, &[]), Err(message.to_owned()));
        }
        let wrong = read("", &[("DISPO_PORT", "x")]);
        assert_eq!(
            wrong,
            Err("DISPO_PORT: `x` is no port; use a number from 0 to 65535".to_owned())
        );
    }
}
