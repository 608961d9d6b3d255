//! The database a service works on, as `DATABASE_URL` names it.

use std::fmt;

use super::SqliteFile;

/// A database that is kept in a file, or by a server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Database {
    /// A file of this machine.
    Sqlite(SqliteFile),
    /// A database of a PostgreSQL server.
    Postgres(PostgresUrl),
}

impl Database {
    /// Reads `sqlite://<file>` or `postgres://<user>:<password>@<host>:<port>/<database>`.
    ///
    /// # Errors
    ///
    /// Another scheme, or what [`SqliteFile::parse`] and [`PostgresUrl::parse`] refuse.
    pub fn parse(url: &str) -> Result<Self, &'static str> {
        if url.starts_with("sqlite://") {
            SqliteFile::parse(url).map(Self::Sqlite)
        } else if let Some(rest) = url
            .strip_prefix("postgres://")
            .or_else(|| url.strip_prefix("postgresql://"))
        {
            PostgresUrl::parse(rest).map(Self::Postgres)
        } else {
            Err("no database this service knows; use sqlite://<file> \
                 or postgres://<user>:<password>@<host>:<port>/<database>")
        }
    }
}

/// Tells where the database is, never who uses it.
impl fmt::Display for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(file) => write!(f, "{}", file.path().display()),
            Self::Postgres(url) => write!(f, "{url}"),
        }
    }
}

/// A database of a PostgreSQL server. Printed, it shows neither user nor password.
#[derive(Clone, PartialEq, Eq)]
pub struct PostgresUrl {
    url: String,
    place: String,
}

/// What holds for every connection, unless the URL says otherwise: how long connecting may take in seconds, how long the
/// server may leave what was sent unanswered in milliseconds, and what the server calls the connection.
const DEFAULTS: [(&str, &str); 3] = [
    ("connect_timeout", "5"),
    ("tcp_user_timeout", "10000"),
    ("fallback_application_name", env!("CARGO_PKG_NAME")),
];

impl PostgresUrl {
    /// Reads what follows `postgres://`. User, password and port may be left out: `libpq` then takes its own variables
    /// and defaults.
    ///
    /// What `libpq` would refuse with a text that quotes the URL is refused here, without.
    ///
    /// # Errors
    ///
    /// A part is missing, or not written as a URL demands.
    pub fn parse(rest: &str) -> Result<Self, &'static str> {
        let (authority, path) = rest.split_once('/').ok_or(
            "no database is named; add its name after the host: postgres://<host>/<database>",
        )?;
        if path.contains('@') || authority.contains(['?', '#']) {
            return Err(
                "user and password must not contain `/`, `?` or `#`; write %2F, %3F or %23",
            );
        }
        if authority.matches('@').count() > 1 {
            return Err("user and password must not contain `@`; write %40");
        }
        if !is_encoded(rest) {
            return Err(
                "white space, and a `%` that two hexadecimal digits do not follow, must be written as %20 and %25",
            );
        }
        let (database, query) = path.split_once('?').unwrap_or((path, ""));
        if database.is_empty() {
            return Err(
                "no database is named; add its name after the host: postgres://<host>/<database>",
            );
        }
        let host = authority
            .rsplit_once('@')
            .map_or(authority, |(_, host)| host);
        let port = match host.rsplit_once(':') {
            Some((_, port)) if !port.ends_with(']') => port,
            _ => "",
        };
        if !port.is_empty() && port.parse::<u16>().is_err() {
            return Err(
                "the port is not a number from 0 to 65535; a `:` in a password is written %3A",
            );
        }
        if !query.is_empty() && !query.split('&').all(is_parameter) {
            return Err("parameters after `?` must be of the form name=value, joined by `&`");
        }
        let mut url = format!("postgres://{rest}");
        for (name, value) in DEFAULTS {
            if !query
                .split('&')
                .any(|parameter| parameter.starts_with(&format!("{name}=")))
            {
                let separator = if url.contains('?') { "&" } else { "?" };
                url.extend([separator, name, "=", value]);
            }
        }
        Ok(Self {
            url,
            place: format!("{host}/{database}"),
        })
    }

    /// The URL to connect with, password and all.
    #[must_use]
    pub fn with_password(&self) -> &str {
        &self.url
    }
}

impl fmt::Display for PostgresUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.place)
    }
}

impl fmt::Debug for PostgresUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("PostgresUrl").field(&self.place).finish()
    }
}

fn is_encoded(text: &str) -> bool {
    !text.contains(|c: char| c.is_whitespace() || c.is_control())
        && text.split('%').skip(1).all(|after| {
            let digits = after.as_bytes().get(..2);
            digits.is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit) && digits != b"00")
        })
}

fn is_parameter(parameter: &str) -> bool {
    parameter
        .split_once('=')
        .is_some_and(|(name, value)| !name.is_empty() && !value.contains('='))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn server(url: &str) -> PostgresUrl {
        match Database::parse(url) {
            Ok(Database::Postgres(url)) => url,
            other => panic!("{url}: {other:?}"),
        }
    }

    #[test]
    fn a_server_is_told_without_user_and_password() {
        let url = server("postgresql://alice:s%40cret@db.example:5433/rooms?sslmode=disable");
        assert_eq!(url.to_string(), "db.example:5433/rooms");
        assert_eq!(format!("{url:?}"), "PostgresUrl(\"db.example:5433/rooms\")");
        assert_eq!(
            url.with_password(),
            "postgres://alice:s%40cret@db.example:5433/rooms?sslmode=disable&connect_timeout=5&tcp_user_timeout=10000&fallback_application_name=demo-dispo"
        );
    }

    #[test]
    fn what_the_url_says_of_times_holds() {
        assert_eq!(
            server("postgres://[::1]/rooms?connect_timeout=2").with_password(),
            "postgres://[::1]/rooms?connect_timeout=2&tcp_user_timeout=10000&fallback_application_name=demo-dispo"
        );
    }

    #[test]
    fn a_url_that_cannot_be_understood_is_refused() {
        for (url, reason) in [
            ("mysql://db/rooms", "no database this service knows"),
            ("postgres://db", "no database is named"),
            ("postgres://db/", "no database is named"),
            ("postgres://db/?user=alice", "no database is named"),
            (
                "postgres://alice:se/cret@db/rooms",
                "user and password must not contain `/`",
            ),
            (
                "postgres://alice:se?cret@db/rooms",
                "user and password must not contain `/`",
            ),
            (
                "postgres://alice:se@cret@db/rooms",
                "user and password must not contain `@`",
            ),
            (
                "postgres://alice:se%cret@db/rooms",
                "white space, and a `%`",
            ),
            (
                "postgres://alice:se cret@db/rooms",
                "white space, and a `%`",
            ),
            ("postgres://db:secret/rooms", "the port is not a number"),
            ("postgres://db/rooms?secret", "parameters after `?`"),
        ] {
            let refused = Database::parse(url).unwrap_err();
            assert!(refused.starts_with(reason), "{url}: {refused}");
        }
    }
}
