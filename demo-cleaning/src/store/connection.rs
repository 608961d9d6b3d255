//! One connection, of either database.

use diesel::{PgConnection, SqliteConnection};

/// A connection of a pool, borrowed for a piece of work.
///
/// A query is the same for both databases; the macro `either` runs it.
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
