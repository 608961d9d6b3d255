//! Where the queues are.

use std::fmt;

use lapin::uri::AMQPUri;

use crate::config::SqliteFile;

/// What `QUEUE_URL` names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum QueueAddress {
    /// A file.
    Sqlite(SqliteFile),
    /// A RabbitMQ broker.
    RabbitMq(BrokerUrl),
}

/// The URL of a broker. It may hold a password, so it is shown without.
#[derive(Clone, PartialEq, Eq)]
pub struct BrokerUrl {
    url: String,
    host: String,
    port: u16,
}

impl QueueAddress {
    /// Reads `sqlite://<file>` or `amqp://<user>:<password>@<host>:<port>/<virtual host>`.
    ///
    /// # Errors
    ///
    /// Neither of them, or one that is not whole.
    pub fn parse(url: &str) -> Result<Self, &'static str> {
        if url.starts_with("amqp://") {
            return BrokerUrl::parse(url).map(Self::RabbitMq);
        }
        if url.starts_with("amqps://") {
            return Err("TLS to the broker is not supported; use amqp://");
        }
        if !url.starts_with("sqlite://") {
            return Err(
                "no queue; use sqlite:// followed by the path of a file, or amqp://user:password@host:port/%2f",
            );
        }
        SqliteFile::parse(url).map(Self::Sqlite)
    }
}

impl BrokerUrl {
    fn parse(url: &str) -> Result<Self, &'static str> {
        let parsed: AMQPUri = url
            .parse()
            .map_err(|_| "not the URL of a broker; use amqp://user:password@host:port/%2f")?;
        Ok(Self {
            url: url.to_owned(),
            host: parsed.authority.host,
            port: parsed.authority.port,
        })
    }

    pub(super) fn as_str(&self) -> &str {
        &self.url
    }

    pub(super) fn host(&self) -> &str {
        &self.host
    }

    pub(super) fn port(&self) -> u16 {
        self.port
    }
}

impl fmt::Display for BrokerUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "amqp://{}:{}", self.host, self.port)
    }
}

impl fmt::Debug for BrokerUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_broker_is_shown_without_its_password() {
        let address = QueueAddress::parse("amqp://dispo:secret@rabbit:5673/%2f").unwrap();
        assert_eq!(format!("{address:?}"), "RabbitMq(amqp://rabbit:5673)");
    }

    #[test]
    fn what_is_no_queue_is_refused() {
        for url in [
            "redis://localhost",
            "amqp://a b",
            "amqps://localhost",
            "sqlite://",
        ] {
            assert!(QueueAddress::parse(url).is_err(), "{url}");
        }
    }
}
