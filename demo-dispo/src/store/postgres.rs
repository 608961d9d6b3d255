//! A database of a PostgreSQL server.

use diesel::{
    Connection, PgConnection,
    connection::SimpleConnection,
    r2d2::{ConnectionManager, CustomizeConnection},
};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};
use otel_runtime::instrument::diesel::{QuerySpans, TracedPool};

use super::Cause;
use crate::config::PostgresUrl;

const MIGRATIONS: EmbeddedMigrations = embed_migrations!("migrations/postgres");

/// A pool of connections to a server.
pub(super) type PostgresPool = TracedPool<ConnectionManager<PgConnection>>;

/// One process at a time sets up a database; the lock is given back when its connection is closed.
const LOCK: &str = "SET lock_timeout = '30s'; SELECT pg_advisory_lock(4720551)";

/// Neither a query nor another's lock holds up a request for longer.
const SETTINGS: &str = "SET statement_timeout = '10s'; SET lock_timeout = '5s'";

/// Brings the tables of a database up to date.
pub(super) fn set_up(url: &PostgresUrl) -> Result<(), Cause> {
    let mut connection = PgConnection::establish(url.with_password())?;
    connection.batch_execute(LOCK)?;
    connection.run_pending_migrations(MIGRATIONS)?;
    Ok(())
}

/// Opens a database that is set up.
pub(super) fn open(url: &PostgresUrl) -> Result<PostgresPool, Cause> {
    let pool = super::pool_builder()
        .connection_customizer(Box::new(Preparation { url: url.clone() }))
        .build(ConnectionManager::new(url.with_password()))?;
    Ok(TracedPool::for_url(pool, url.with_password()).named(super::POOL))
}

/// What a connection that could not be made has come to, where the server is not there or not ready.
const OUTAGES: [&str; 7] = [
    // Its name is known once it is there.
    "could not translate host name ",
    // The system refuses the connection, or finds no way.
    "Is the server running ",
    "timeout expired",
    "server closed the connection unexpectedly",
    "could not receive data from server: ",
    "could not send startup packet: ",
    // .. starting up, shutting down, in recovery mode.
    "FATAL:  the database system is ",
];

/// Whether a connection was not made because the server is not there or not ready.
///
/// Only the text tells. `libpq` writes it in English, as this process sets no locale. A server that starts may write another
/// language, and is not recognized then.
pub(super) fn is_outage(cause: &str) -> bool {
    // There is one for each address that was tried. Where the server answered, no other was tried after it.
    let last = cause.rsplit("failed: ").next().unwrap_or(cause);
    OUTAGES.iter().any(|outage| last.contains(outage))
}

/// Prepares each connection of the pool, and traces it from then on; see the other database for what makes no spans.
#[derive(Debug)]
struct Preparation {
    url: PostgresUrl,
}

impl CustomizeConnection<PgConnection, diesel::r2d2::Error> for Preparation {
    fn on_acquire(&self, connection: &mut PgConnection) -> Result<(), diesel::r2d2::Error> {
        connection
            .batch_execute(SETTINGS)
            .map_err(diesel::r2d2::Error::QueryError)?;
        connection.set_instrumentation(QuerySpans::for_url(self.url.with_password()));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_that_is_not_there_is_known_from_one_that_refuses() {
        const REFUSED: &str = "connection to server at \"localhost\" (::1), port 5432 failed: \
            Connection refused\n\tIs the server running on that host and accepting TCP/IP connections?";
        let server =
            |reason| format!("connection to server at \"127.0.0.1\", port 5432 failed: {reason}");
        for outage in [
            REFUSED.to_owned(),
            format!("timed out waiting for connection: {REFUSED}"),
            "could not translate host name \"dispo-db\" to address: Name or service not known"
                .to_owned(),
            server("timeout expired"),
            server("server closed the connection unexpectedly\n\tThis probably means .."),
            server("FATAL:  the database system is starting up"),
        ] {
            assert!(is_outage(&outage), "{outage}");
        }
        let bad_password = server("FATAL:  password authentication failed for user \"alice\"");
        for other in [
            format!("{REFUSED}\n{bad_password}"),
            bad_password,
            server("FATAL:  database \"rooms\" does not exist"),
            server("fe_sendauth: no password supplied"),
            "invalid sslmode value: \"no\"".to_owned(),
        ] {
            assert!(!is_outage(&other), "{other}");
        }
    }
}
