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
