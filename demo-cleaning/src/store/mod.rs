//! The database: how it is set up and opened. One module for each table.

pub mod cleanings;
mod connection;
mod postgres;
mod sqlite;
mod start;

use std::time::Duration;

use diesel::{
    RunQueryDsl,
    r2d2::{Builder, ManageConnection, Pool, PoolError},
    result::{DatabaseErrorKind, Error},
};

pub use connection::Connection;
use connection::either;
pub use start::start;

use crate::config::Database;

/// How long a request waits for a free connection before it fails.
const CONNECTION_TIMEOUT: Duration = Duration::from_secs(5);
const MAX_CONNECTIONS: u32 = 8;

/// What the pool is called where a wait for one of its connections shows.
const POOL: &str = env!("CARGO_PKG_NAME");

/// Why a database could not be set up or opened.
type Cause = Box<dyn std::error::Error + Send + Sync>;

/// A pool of connections to a database that is set up.
#[derive(Clone)]
pub struct Store {
    pool: AnyPool,
}

#[derive(Clone)]
enum AnyPool {
    Sqlite(sqlite::SqlitePool),
    Postgres(postgres::PostgresPool),
}

impl Store {
    /// Brings the tables up to date, in a new file if there is none. Safe when several processes do it at once.
    ///
    /// # Errors
    ///
    /// The file cannot be created or opened, the server refuses the connection, or a migration fails.
    pub fn set_up(database: &Database) -> Result<(), SetUpError> {
        match database {
            Database::Sqlite(file) => sqlite::set_up(file),
            Database::Postgres(url) => postgres::set_up(url),
        }
        .map_err(|cause| SetUpError::new(database, &*cause))
    }

    /// Opens a database that is set up.
    ///
    /// # Errors
    ///
    /// No connection can be made within five seconds.
    pub fn open(database: &Database) -> Result<Self, SetUpError> {
        let pool = match database {
            Database::Sqlite(file) => sqlite::open(file).map(AnyPool::Sqlite),
            Database::Postgres(url) => postgres::open(url).map(AnyPool::Postgres),
        };
        let pool = pool.map_err(|cause| SetUpError::new(database, &*cause))?;
        Ok(Self { pool })
    }

    /// Runs `work` with a connection. Blocks the thread.
    ///
    /// # Errors
    ///
    /// What `work` returns, or that no connection could be had in time.
    pub fn run<T, E>(&self, work: impl FnOnce(&mut Connection<'_>) -> Result<T, E>) -> Result<T, E>
    where
        E: From<StoreError>,
    {
        match &self.pool {
            AnyPool::Sqlite(pool) => {
                let mut connection = pool.get().map_err(StoreError::Pool)?;
                work(&mut Connection::Sqlite(&mut connection))
            }
            AnyPool::Postgres(pool) => {
                let mut connection = pool.get().map_err(StoreError::Pool)?;
                work(&mut Connection::Postgres(&mut connection))
            }
        }
    }
}

fn pool_builder<M: ManageConnection>() -> Builder<M> {
    Pool::builder()
        .max_size(MAX_CONNECTIONS)
        .min_idle(Some(1))
        .connection_timeout(CONNECTION_TIMEOUT)
}

/// Asks the database for an answer.
///
/// # Errors
///
/// There is none.
pub fn check(connection: &mut Connection<'_>) -> Result<(), StoreError> {
    either!(connection, |connection| diesel::sql_query("SELECT 1")
        .execute(connection))?;
    Ok(())
}

/// Why a query gave no answer.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// No connection was free in time, or none could be made.
    // What a server answers ends with a line break.
    #[error("no connection to the database: {}", .0.to_string().trim_end())]
    Pool(#[source] PoolError),
    /// The connection broke while it was used.
    #[error("the connection to the database was lost: {0}")]
    Lost(#[source] Error),
    /// The database refused the query.
    #[error("the database refused: {0}")]
    Query(#[source] Error),
}

impl StoreError {
    /// Whether the database was not there to answer.
    #[must_use]
    pub fn is_outage(&self) -> bool {
        match self {
            Self::Pool(_) | Self::Lost(_) => true,
            Self::Query(_) => false,
        }
    }
}

impl From<Error> for StoreError {
    fn from(error: Error) -> Self {
        match error {
            Error::DatabaseError(
                DatabaseErrorKind::ClosedConnection | DatabaseErrorKind::UnableToSendCommand,
                _,
            )
            | Error::BrokenTransactionManager => Self::Lost(error),
            _ => Self::Query(error),
        }
    }
}

/// Why the database cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("DATABASE_URL: cannot set up the database {database}: {cause}")]
pub struct SetUpError {
    database: String,
    cause: String,
    is_outage: bool,
}

impl SetUpError {
    fn new(database: &Database, cause: &dyn std::error::Error) -> Self {
        // What a server answers ends with a line break.
        let cause = cause.to_string().trim_end().to_owned();
        Self {
            database: database.to_string(),
            is_outage: match database {
                Database::Sqlite(_) => false,
                Database::Postgres(_) => postgres::is_outage(&cause),
            },
            cause,
        }
    }

    /// Whether the database was not there, and may be later.
    #[must_use]
    pub fn is_outage(&self) -> bool {
        self.is_outage
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    #[test]
    fn many_may_set_up_a_new_file_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}/new.db", folder.path().display());
        let file = Database::parse(&url).unwrap();
        thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| Store::set_up(&file).unwrap());
            }
        });
        Store::open(&file).unwrap().run(check).unwrap();
    }

    #[test]
    fn a_database_that_cannot_be_reached_is_told_with_the_variable() {
        for (url, told) in [
            (
                "sqlite:///no/such/folder/new.db",
                "DATABASE_URL: cannot set up the database /no/such/folder/new.db: ",
            ),
            (
                "postgres://alice:secret@127.0.0.1:1/rooms",
                "DATABASE_URL: cannot set up the database 127.0.0.1:1/rooms: \
                 connection to server at \"127.0.0.1\", port 1 failed: Connection refused",
            ),
        ] {
            let error = Store::set_up(&Database::parse(url).unwrap()).unwrap_err();
            assert!(error.to_string().starts_with(told), "{error}");
            assert!(!format!("{error:?}").contains("secret"), "{error:?}");
        }
    }
}
