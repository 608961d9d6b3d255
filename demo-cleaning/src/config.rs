//! Settings from the environment, read once at start.
//!
//! | variable        | unit                         | default                | meaning                                           |
//! |-----------------|------------------------------|------------------------|---------------------------------------------------|
//! | `CLEANING_HOST` | name or address              | `127.0.0.1`            | where the web service listens                     |
//! | `CLEANING_PORT` | 0 to 65535                   | `8081`                 | its port; 0 takes a free one, which the log tells |
//! | `DATABASE_URL`  | `sqlite:` or `postgres:` URL | `sqlite://cleaning.db` | the cleanings; the tables are made at first start |
//! | `QUEUE_URL`     | `sqlite:` or `amqp:` URL     | `sqlite://queue.db`    | the queue shared with the booking service         |
//! | `RUST_LOG`      | filter                       | `info`                 | which log lines are written                       |
//!
//! A database is a file, `sqlite://<file>`, created if it is not there; or one of a PostgreSQL server,
//! `postgres://<user>:<password>@<host>:<port>/<database>`, which must be there. A server that is not there yet is waited for,
//! at most a minute. For a user, password or port that the URL leaves out, `libpq` takes its own variables (`PGPASSWORD`,
//! `PGPASSFILE`, ..) and defaults. TLS is not built in.
//! A queue is a file too, or on a RabbitMQ broker, `amqp://<user>:<password>@<host>:<port>/<virtual host>`.
//!
//! By default the broker's client is kept from telling of spans of its own (`RUST_LOG=info,tracing::span=warn`).
//!
//! The `OTEL_*` variables are read by `otel-runtime`.

mod database;

use std::{
    env,
    ffi::{OsStr, OsString},
    path::{Path, PathBuf},
};

use crate::queue::QueueAddress;
pub use database::{Database, PostgresUrl};

/// What a process of this service is started with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// The name or address to listen on.
    pub host: String,
    /// The port to listen on; 0 takes a free one.
    pub port: u16,
    /// The database of cleanings.
    pub database: Database,
    /// The queue shared with the booking service.
    pub queue: QueueAddress,
}

impl Config {
    /// Reads the settings from the environment of this process.
    ///
    /// # Errors
    ///
    /// The first variable whose value cannot be used.
    pub fn from_env() -> Result<Self, ConfigError> {
        Self::read(|variable| env::var_os(variable))
    }

    /// Reads the settings with `lookup`, which gives a variable's value.
    ///
    /// # Errors
    ///
    /// The first variable whose value cannot be used.
    pub fn read(lookup: impl Fn(&str) -> Option<OsString>) -> Result<Self, ConfigError> {
        Ok(Self {
            host: setting(&lookup, "CLEANING_HOST", "127.0.0.1", |text| {
                Ok(text.to_owned())
            })?,
            port: setting(&lookup, "CLEANING_PORT", "8081", |text| {
                text.parse()
                    .map_err(|_| "not a port; use a number from 0 to 65535")
            })?,
            database: setting(
                &lookup,
                "DATABASE_URL",
                "sqlite://cleaning.db",
                Database::parse,
            )?,
            queue: setting(
                &lookup,
                "QUEUE_URL",
                "sqlite://queue.db",
                QueueAddress::parse,
            )?,
        })
    }
}

/// A database file, as its variable names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SqliteFile(PathBuf);

impl SqliteFile {
    /// Reads `sqlite://<file>`, with a relative or an absolute path.
    ///
    /// # Errors
    ///
    /// Another scheme, no file, or a database in memory, which no other process could share.
    pub fn parse(url: &str) -> Result<Self, &'static str> {
        match url.strip_prefix("sqlite://") {
            None => Err("not an SQLite URL; use sqlite:// followed by the path of a file"),
            Some("") => Err("no file is named; use sqlite:// followed by the path of a file"),
            Some(path) if path.starts_with(":memory:") => {
                Err("a database in memory cannot be shared by two processes; name a file")
            }
            Some(path) => Ok(Self(PathBuf::from(path))),
        }
    }

    /// The path of the file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0
    }
}

/// A variable whose value cannot be used.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("{variable}: {reason} (found `{found}`)")]
pub struct ConfigError {
    variable: &'static str,
    reason: &'static str,
    found: String,
}

/// An empty value counts as not set, as with the variables of OpenTelemetry.
fn setting<T>(
    lookup: impl Fn(&str) -> Option<OsString>,
    variable: &'static str,
    default: &str,
    parse: impl Fn(&str) -> Result<T, &'static str>,
) -> Result<T, ConfigError> {
    let value = lookup(variable).filter(|value| !value.is_empty());
    let text = match value.as_deref() {
        None => Ok(default),
        Some(value) => value.to_str().ok_or("not valid UTF-8"),
    };
    text.and_then(parse).map_err(|reason| ConfigError {
        variable,
        reason,
        found: value
            .as_deref()
            .map(OsStr::to_string_lossy)
            .map(|value| shown(&value))
            .unwrap_or_default(),
    })
}

/// What can be repeated of a value: up to where a user or a password may stand.
fn shown(value: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | '/');
    match value.split_once("://") {
        _ if value.starts_with("sqlite://") || value.chars().all(is_plain) => value.to_owned(),
        Some((scheme, _)) if scheme.chars().all(is_plain) => format!("{scheme}://…"),
        _ => "…".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(variable: &str, value: &str) -> Result<Config, String> {
        Config::read(|asked| (asked == variable).then(|| value.into()))
            .map_err(|error| error.to_string())
    }

    #[test]
    fn nothing_set_gives_the_defaults() {
        let config = Config::read(|_| None).unwrap();
        assert_eq!((config.host.as_str(), config.port), ("127.0.0.1", 8081));
        assert_eq!(config.database.to_string(), "cleaning.db");
        let queue = SqliteFile::parse("sqlite://queue.db").unwrap();
        assert_eq!(config.queue, QueueAddress::Sqlite(queue));
    }

    #[test]
    fn an_empty_value_counts_as_not_set() {
        assert_eq!(read("CLEANING_PORT", "").unwrap().port, 8081);
    }

    #[test]
    fn an_absolute_path_keeps_its_slash() {
        let config = read("DATABASE_URL", "sqlite:///var/lib/cleaning.db").unwrap();
        assert_eq!(config.database.to_string(), "/var/lib/cleaning.db");
    }

    #[test]
    fn a_wrong_value_is_told_with_its_variable() {
        for (variable, value, message) in [
            (
                "CLEANING_PORT",
                "80810",
                "CLEANING_PORT: not a port; use a number from 0 to 65535 (found `80810`)",
            ),
            (
                "DATABASE_URL",
                "postgres://alice:se/cret@db/cleaning",
                "DATABASE_URL: user and password must not contain `/`, `?` or `#`; write %2F, %3F or %23 \
                 (found `postgres://…`)",
            ),
            (
                "DATABASE_URL",
                "host=db password=secret",
                "DATABASE_URL: no database this service knows; use sqlite://<file> or \
                 postgres://<user>:<password>@<host>:<port>/<database> (found `…`)",
            ),
            (
                "QUEUE_URL",
                "sqlite://:memory:",
                "QUEUE_URL: a database in memory cannot be shared by two processes; name a file \
                 (found `sqlite://:memory:`)",
            ),
        ] {
            assert_eq!(read(variable, value).unwrap_err(), message);
        }
    }
}
