//! What `cargo load` is told on its command line.

use std::env;

use anyhow::{Context, bail};

/// What is printed for `--help`.
pub const HELP: &str = "\
Sends many bookings with tracing off, on, and for a tenth of them, and tells what each costs.

Usage: cargo load [OPTIONS]

Options:
  --bookings <N>      bookings that are measured in each run (2000)
  --connections <N>   connections they are sent over (8)
  --rounds <N>        how often each of the three is run (5)
  --grpc              spans leave by OTLP/gRPC instead of OTLP/HTTP
  --journal           with tracing, journals are kept as well
  --files             SQLite files even if there are servers
  --postgres <URL>    a database on a server on which new ones may be made (else TEST_POSTGRES_URL, else files)
  --amqp <URL>        a RabbitMQ broker (else TEST_AMQP_URL, else a file)
  --check             end with an error unless both bounds are met
  -h, --help          print this

It reads what the processes use from /proc, and so works on Linux only.
The databases it makes on a server go again. On a broker the queues of the services are emptied; it refuses where somebody
takes messages from them, and where they hold some, unless TEST_AMQP_URL names that broker.
";

/// What to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Arguments {
    /// Print the help.
    Help,
    /// Take the spans of another that measures.
    Sink,
    /// Measure.
    Run(Plan),
}

/// What is measured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// How many bookings are measured in each run.
    pub bookings: u32,
    /// How many connections they are sent over.
    pub connections: usize,
    /// How often each mode is run.
    pub rounds: usize,
    /// Whether spans leave by gRPC.
    pub grpc: bool,
    /// Whether journals of the spans are kept.
    pub journal: bool,
    /// A database on the server to use; files if there is none.
    pub postgres: Option<String>,
    /// The broker to use; a file if there is none.
    pub amqp: Option<String>,
    /// Whether a bound that is not met is an error.
    pub check: bool,
}

impl Arguments {
    /// Reads the arguments and the environment of this process.
    ///
    /// # Errors
    ///
    /// An argument that cannot be understood.
    pub fn from_env() -> anyhow::Result<Self> {
        Self::read(env::args().skip(1), |variable| env::var(variable).ok())
    }

    fn read(
        mut arguments: impl Iterator<Item = String>,
        lookup: impl Fn(&str) -> Option<String>,
    ) -> anyhow::Result<Self> {
        let url = |variable| lookup(variable).filter(|url| !url.is_empty());
        let mut plan = Plan {
            bookings: 2000,
            connections: 8,
            rounds: 5,
            grpc: false,
            journal: false,
            postgres: url("TEST_POSTGRES_URL"),
            amqp: url("TEST_AMQP_URL"),
            check: false,
        };
        while let Some(argument) = arguments.next() {
            let mut value = || {
                let value = arguments.next();
                value.with_context(|| format!("{argument} needs a value"))
            };
            match argument.as_str() {
                "--bookings" => plan.bookings = number(&argument, &value()?)?,
                "--connections" => plan.connections = number(&argument, &value()?)? as usize,
                "--rounds" => plan.rounds = number(&argument, &value()?)? as usize,
                "--grpc" => plan.grpc = true,
                "--journal" => plan.journal = true,
                "--files" => (plan.postgres, plan.amqp) = (None, None),
                "--postgres" => plan.postgres = Some(value()?),
                "--amqp" => plan.amqp = Some(value()?),
                "--check" => plan.check = true,
                super::sink::ARGUMENT => return Ok(Self::Sink),
                "-h" | "--help" => return Ok(Self::Help),
                other => bail!(
                    "there is no argument `{other}`; `cargo load --help` tells which there are"
                ),
            }
        }
        Ok(Self::Run(plan))
    }
}

fn number(argument: &str, text: &str) -> anyhow::Result<u32> {
    text.parse()
        .ok()
        .filter(|number| (1..=100_000).contains(number))
        .with_context(|| format!("{argument}: `{text}` is no number from 1 to 100000"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(arguments: &str) -> Result<Arguments, String> {
        let lookup = |asked: &str| (asked == "TEST_AMQP_URL").then(|| "amqp://test".to_owned());
        Arguments::read(arguments.split_whitespace().map(str::to_owned), lookup)
            .map_err(|error| error.to_string())
    }

    #[test]
    fn the_command_line_wins_over_the_environment() {
        let plan = Plan {
            bookings: 2000,
            connections: 8,
            rounds: 5,
            grpc: false,
            journal: false,
            postgres: None,
            amqp: Some("amqp://test".to_owned()),
            check: false,
        };
        assert_eq!(read(""), Ok(Arguments::Run(plan.clone())));
        let told = Plan {
            bookings: 100,
            grpc: true,
            journal: true,
            postgres: Some("postgres://here/postgres".to_owned()),
            amqp: None,
            ..plan
        };
        let arguments =
            "--bookings 100 --files --postgres postgres://here/postgres --grpc --journal";
        assert_eq!(read(arguments), Ok(Arguments::Run(told)));
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (arguments, message) in [
            ("--bookings", "--bookings needs a value"),
            ("--rounds 0", "--rounds: `0` is no number from 1 to 100000"),
            (
                "--fast",
                "there is no argument `--fast`; `cargo load --help` tells which there are",
            ),
        ] {
            assert_eq!(read(arguments), Err(message.to_owned()));
        }
    }
}
