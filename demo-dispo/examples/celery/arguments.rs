//! What the example is asked to do.

use std::num::NonZeroUsize;

use anyhow::{Context as _, bail};
use chrono::NaiveDate;
use demo_dispo::domain::Period;
use lapin::{types::ShortString, uri::AMQPUri};

use crate::booking::Booking;

pub(crate) const HELP: &str = "\
celery exchanges bookings with Celery.

    celery send [--room <name>] [--start <day>] [--end <day>] [<names>]   sends one booking
    celery work [--count <n>] [<names>]   works on bookings until Ctrl-C, or until <n> messages are done

A day is written 2030-02-04. The names are those of the system, by default
    --exchange dispo --routing-key booking --queue cleaning --task booking.created
CELERY_BROKER_URL names the broker (amqp://guest:guest@127.0.0.1:5672/%2f if not set), the OTEL_ variables where
spans go, RUST_LOG which log lines are written.";

const BROKER: &str = "amqp://guest:guest@127.0.0.1:5672/%2f";

/// The arguments, checked.
#[derive(Debug)]
pub(crate) struct Arguments {
    pub(crate) role: Role,
    pub(crate) broker: AMQPUri,
    pub(crate) route: Route,
    /// The name of the task that takes a booking.
    pub(crate) task: String,
}

/// What this process does.
#[derive(Debug)]
pub(crate) enum Role {
    /// Sends one booking.
    Send(Booking),
    /// Works on bookings; on so many, or until it is asked to stop.
    Work(Option<NonZeroUsize>),
}

/// The way of a message: by an exchange and a routing key into a queue.
#[derive(Debug)]
pub(crate) struct Route {
    pub(crate) exchange: ShortString,
    pub(crate) routing_key: ShortString,
    pub(crate) queue: ShortString,
}

impl Arguments {
    /// Takes the arguments after the program's name, and the URL of the broker if one is set.
    ///
    /// # Errors
    ///
    /// The first argument that cannot be used.
    pub(crate) fn parse(
        mut words: impl Iterator<Item = String>,
        url: Option<String>,
    ) -> anyhow::Result<Self> {
        let role = words.next();
        let is_worker = match role.as_deref() {
            Some("send") => false,
            Some("work") => true,
            Some(other) => bail!("no role `{other}`; use `send` or `work`"),
            None => bail!("no role is named; use `send` or `work`"),
        };
        let mut options = Options::new();
        while let Some(key) = words.next() {
            match key.as_str() {
                "--room" | "--start" | "--end" if is_worker => bail!("`{key}` belongs to `send`"),
                "--count" if !is_worker => bail!("`{key}` belongs to `work`"),
                _ => {}
            }
            let value = words.next().with_context(|| format!("{key} has no value"));
            options
                .set(&key, value)
                .with_context(|| format!("cannot use {key}"))?;
        }
        let url = url.filter(|url| !url.is_empty());
        let broker = url.as_deref().unwrap_or(BROKER).parse();
        Ok(Self {
            role: if is_worker {
                Role::Work(options.count)
            } else {
                let period = Period::new(options.start, options.end)?;
                Role::Send(Booking::new(options.room, period))
            },
            // The URL may hold a password, so it is not repeated.
            broker: broker.map_err(|_| {
                anyhow::anyhow!(
                    "CELERY_BROKER_URL: not the URL of a broker; use amqp://user:password@host:port/%2f"
                )
            })?,
            route: options.route,
            task: options.task,
        })
    }
}

/// The options of both roles.
struct Options {
    room: String,
    start: NaiveDate,
    end: NaiveDate,
    count: Option<NonZeroUsize>,
    route: Route,
    task: String,
}

impl Options {
    fn new() -> Self {
        let start = NaiveDate::from_ymd_opt(2030, 2, 4).unwrap_or_default();
        Self {
            room: "President Suite".to_owned(),
            start,
            end: start + chrono::Days::new(2),
            count: None,
            route: Route {
                exchange: "dispo".into(),
                routing_key: "booking".into(),
                queue: "cleaning".into(),
            },
            task: "booking.created".to_owned(),
        }
    }

    fn set(&mut self, key: &str, value: anyhow::Result<String>) -> anyhow::Result<()> {
        match key {
            "--room" => self.room = value?,
            "--start" => self.start = value?.parse()?,
            "--end" => self.end = value?.parse()?,
            "--count" => self.count = Some(value?.parse()?),
            "--exchange" => self.route.exchange = name(value?)?,
            "--routing-key" => self.route.routing_key = name(value?)?,
            "--queue" => self.route.queue = name(value?)?,
            "--task" => self.task = value?,
            _ => bail!("there is no such option; `--help` lists them"),
        }
        Ok(())
    }
}

fn name(value: String) -> anyhow::Result<ShortString> {
    ShortString::try_new(value).context("longer than 255 bytes")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Arguments, String> {
        let words = line.split_whitespace().map(str::to_owned);
        Arguments::parse(words, None).map_err(|error| format!("{error:#}"))
    }

    #[test]
    fn names_have_defaults() {
        let arguments = parse("work --count 3 --queue other").unwrap();
        assert!(matches!(arguments.role, Role::Work(Some(count)) if count.get() == 3));
        assert_eq!(arguments.route.exchange.as_str(), "dispo");
        assert_eq!(arguments.route.queue.as_str(), "other");
        assert_eq!(arguments.task, "booking.created");
    }

    #[test]
    fn what_cannot_be_used_is_told() {
        let last = format!("work --queue {}", "x".repeat(255));
        assert!(parse(&last).is_ok());
        let too_long = parse(&format!("work --queue {}", "x".repeat(256))).unwrap_err();
        assert!(too_long.starts_with("cannot use --queue: longer than 255 bytes"));
        for (line, message) in [
            ("", "no role is named; use `send` or `work`"),
            ("look", "no role `look`; use `send` or `work`"),
            ("send --count 3", "`--count` belongs to `work`"),
            ("work --room x", "`--room` belongs to `send`"),
            (
                "work --speed 3",
                "cannot use --speed: there is no such option; `--help` lists them",
            ),
            ("work --count", "cannot use --count: --count has no value"),
            (
                "work --count 0",
                "cannot use --count: number would be zero for non-zero type",
            ),
            (
                "send --start today",
                "cannot use --start: input contains invalid characters",
            ),
            (
                "send --start 2030-02-04 --end 2030-02-04",
                "start is not before end.",
            ),
        ] {
            assert_eq!(parse(line).unwrap_err(), message);
        }
    }

    #[test]
    fn a_broker_that_is_none_is_not_repeated() {
        let words = ["work".to_owned()].into_iter();
        let error = Arguments::parse(words, Some("amqp://a secret".to_owned())).unwrap_err();
        assert!(!error.to_string().contains("secret"), "{error}");
    }
}
