//! One connection, of either database.

use diesel::{PgConnection, SqliteConnection, result::Error};

/// A connection of a pool, borrowed for a piece of work.
///
/// The two databases differ in how a transaction begins and how a row is locked. All else is one query for both, which
/// the macro `either` runs.
#[expect(
    missing_debug_implementations,
    reason = "diesel's connections have none"
)]
pub enum Connection<'a> {
    /// To a file.
    Sqlite(&'a mut SqliteConnection),
    /// To a PostgreSQL server.
    Postgres(&'a mut PgConnection),
}

impl Connection<'_> {
    /// Runs `work` in a transaction, which is rolled back when `work` fails.
    ///
    /// `SQLite` lets one writing transaction in at a time. PostgreSQL does not: each statement sees what others have
    /// committed before it, so work that relies on what it has read locks a row that others lock too.
    ///
    /// # Errors
    ///
    /// What `work` returns, or that the database refuses.
    pub fn transaction<T, E>(
        &mut self,
        work: impl FnOnce(&mut Connection<'_>) -> Result<T, E>,
    ) -> Result<T, E>
    where
        E: From<Error>,
    {
        match self {
            Self::Sqlite(connection) => connection
                .immediate_transaction(|connection| work(&mut Connection::Sqlite(connection))),
            // The isolation is said, since a server can be set to another default.
            Self::Postgres(connection) => connection
                .build_transaction()
                .read_committed()
                .run(|connection| work(&mut Connection::Postgres(connection))),
        }
    }
}

/// Runs a query on whichever database there is: `either!(connection, |connection| query.execute(connection))`.
macro_rules! either {
    ($connection:expr, |$inner:ident| $query:expr) => {
        match $connection {
            $crate::store::Connection::Sqlite(connection) => {
                let $inner = &mut **connection;
                $query
            }
            $crate::store::Connection::Postgres(connection) => {
                let $inner = &mut **connection;
                $query
            }
        }
    };
}

pub(crate) use either;
