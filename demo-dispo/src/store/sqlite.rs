//! A database in a file.

use diesel::{
    Connection, SqliteConnection,
    connection::SimpleConnection,
    r2d2::{ConnectionManager, CustomizeConnection},
};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};
use otel_runtime::instrument::diesel::{QuerySpans, TracedPool};

use super::Cause;
use crate::{config::SqliteFile, file_lock::FileLock};

const MIGRATIONS: EmbeddedMigrations = embed_migrations!("migrations/sqlite");

/// A pool of connections to a file.
pub(super) type SqlitePool = TracedPool<ConnectionManager<SqliteConnection>>;

/// Creates the file if there is none and brings its tables up to date.
pub(super) fn set_up(file: &SqliteFile) -> Result<(), Cause> {
    let _lock = FileLock::acquire(file.path())?;
    establish(file)?.run_pending_migrations(MIGRATIONS)?;
    Ok(())
}

/// Opens a file that is set up.
pub(super) fn open(file: &SqliteFile) -> Result<SqlitePool, Cause> {
    let url = file.path().to_string_lossy().into_owned();
    let pool = super::pool_builder()
        .connection_customizer(Box::new(Preparation { url: url.clone() }))
        .build(ConnectionManager::new(&*url))?;
    Ok(TracedPool::for_url(pool, &url).named(super::POOL))
}

fn establish(file: &SqliteFile) -> Result<SqliteConnection, Cause> {
    let mut connection = SqliteConnection::establish(&file.path().to_string_lossy())?;
    connection.batch_execute("PRAGMA journal_mode = WAL")?;
    apply_settings(&mut connection)?;
    Ok(connection)
}

/// Readers do not wait for a writer, a writer waits its turn, and references between tables are kept.
fn apply_settings(connection: &mut SqliteConnection) -> diesel::QueryResult<()> {
    connection.batch_execute(
        "PRAGMA busy_timeout = 5000; PRAGMA synchronous = NORMAL; PRAGMA foreign_keys = ON",
    )
}

/// Prepares each connection of the pool, and traces it from then on.
///
/// The pool opens connections in a thread of its own, outside of any request, so opening and preparing them make no
/// spans: each would be a trace by itself.
#[derive(Debug)]
struct Preparation {
    url: String,
}

impl CustomizeConnection<SqliteConnection, diesel::r2d2::Error> for Preparation {
    fn on_acquire(&self, connection: &mut SqliteConnection) -> Result<(), diesel::r2d2::Error> {
        apply_settings(connection).map_err(diesel::r2d2::Error::QueryError)?;
        connection.set_instrumentation(QuerySpans::for_url(&self.url));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_goes_up_comes_down() {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}/new.db", folder.path().display());
        let mut connection = establish(&SqliteFile::parse(&url).unwrap()).unwrap();
        for _ in 0..2 {
            let up = connection.run_pending_migrations(MIGRATIONS).unwrap();
            assert!(!up.is_empty());
            let down = connection.revert_all_migrations(MIGRATIONS).unwrap();
            assert!(!down.is_empty());
        }
    }
}
