//! The database: how it is set up and opened. One module for each table.

pub mod cleanings;

use std::{path::PathBuf, time::Duration};

use diesel::{
    Connection, RunQueryDsl, SqliteConnection,
    connection::SimpleConnection,
    r2d2::{ConnectionManager, CustomizeConnection, Pool, PoolError},
};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};
use otel_runtime::instrument::diesel::QuerySpans;

use crate::{config::SqliteFile, file_lock::FileLock};

const MIGRATIONS: EmbeddedMigrations = embed_migrations!();

/// How long a request waits for a free connection before it fails.
const CONNECTION_TIMEOUT: Duration = Duration::from_secs(5);
const MAX_CONNECTIONS: u32 = 8;

/// A pool of connections to a database that is set up.
#[derive(Clone)]
pub struct Store {
    pool: Pool<ConnectionManager<SqliteConnection>>,
}

impl Store {
    /// Creates the database if there is none and brings its tables up to date. Safe when several processes do it at once.
    ///
    /// # Errors
    ///
    /// The file cannot be created or opened, or a migration fails.
    pub fn set_up(file: &SqliteFile) -> Result<(), SetUpError> {
        let failed = |cause| SetUpError {
            file: file.path().to_owned(),
            cause,
        };
        let _lock = FileLock::acquire(file.path()).map_err(|error| failed(error.into()))?;
        let mut connection = establish(file).map_err(failed)?;
        connection
            .run_pending_migrations(MIGRATIONS)
            .map_err(failed)?;
        Ok(())
    }

    /// Opens a database that is set up.
    ///
    /// # Errors
    ///
    /// No connection can be made within five seconds.
    pub fn open(file: &SqliteFile) -> Result<Self, SetUpError> {
        let url = file.path().to_string_lossy().into_owned();
        let pool = Pool::builder()
            .max_size(MAX_CONNECTIONS)
            .min_idle(Some(1))
            .connection_timeout(CONNECTION_TIMEOUT)
            .connection_customizer(Box::new(Preparation { url: url.clone() }))
            .build(ConnectionManager::new(url))
            .map_err(|error| SetUpError {
                file: file.path().to_owned(),
                cause: error.into(),
            })?;
        Ok(Self { pool })
    }

    /// Runs `work` with a connection. Blocks the thread.
    ///
    /// # Errors
    ///
    /// What `work` returns, or that no connection could be had in time.
    pub fn run<T, E>(
        &self,
        work: impl FnOnce(&mut SqliteConnection) -> Result<T, E>,
    ) -> Result<T, E>
    where
        E: From<StoreError>,
    {
        let mut connection = self.pool.get().map_err(StoreError::Pool)?;
        work(&mut connection)
    }
}

/// Asks the database for an answer.
///
/// # Errors
///
/// There is none.
pub fn check(connection: &mut SqliteConnection) -> Result<(), StoreError> {
    diesel::sql_query("SELECT 1").execute(connection)?;
    Ok(())
}

/// Why a query gave no answer.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// No connection was free in time.
    #[error("no connection to the database: {0}")]
    Pool(#[source] PoolError),
    /// The database refused the query.
    #[error("the database refused: {0}")]
    Query(#[from] diesel::result::Error),
}

/// Why the database cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("DATABASE_URL: cannot set up the database {file}: {cause}", file = file.display())]
pub struct SetUpError {
    file: PathBuf,
    cause: Box<dyn std::error::Error + Send + Sync>,
}

fn establish(
    file: &SqliteFile,
) -> Result<SqliteConnection, Box<dyn std::error::Error + Send + Sync>> {
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
    use std::thread;

    use super::*;

    fn new_file(folder: &tempfile::TempDir) -> SqliteFile {
        SqliteFile::parse(&format!("sqlite://{}/new.db", folder.path().display())).unwrap()
    }

    #[test]
    fn what_goes_up_comes_down() {
        let folder = tempfile::tempdir().unwrap();
        let mut connection = establish(&new_file(&folder)).unwrap();
        for _ in 0..2 {
            assert!(
                !connection
                    .run_pending_migrations(MIGRATIONS)
                    .unwrap()
                    .is_empty()
            );
            assert!(
                !connection
                    .revert_all_migrations(MIGRATIONS)
                    .unwrap()
                    .is_empty()
            );
        }
    }

    #[test]
    fn many_may_set_up_a_new_database_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let file = new_file(&folder);
        thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| Store::set_up(&file).unwrap());
            }
        });
        Store::open(&file).unwrap().run(check).unwrap();
    }

    #[test]
    fn a_folder_that_is_not_there_is_told_with_the_variable() {
        let file = SqliteFile::parse("sqlite:///no/such/folder/new.db").unwrap();
        let error = Store::set_up(&file).unwrap_err().to_string();
        assert!(
            error.starts_with("DATABASE_URL: cannot set up the database /no/such/folder/new.db: "),
            "{error}"
        );
    }
}
