//! The databases that the tests run on.

use std::{
    env,
    io::{self, Write},
    process,
    sync::{
        Once,
        atomic::{AtomicU64, Ordering},
    },
};

use diesel::{Connection, PgConnection, SqliteConnection, connection::SimpleConnection};
use tempfile::TempDir;

/// What stands behind `DATABASE_URL`.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Kind {
    Sqlite,
    Postgres,
}

impl Kind {
    /// Where in `trees` that stands which is seen on it.
    pub(crate) fn folder(self) -> &'static str {
        match self {
            Self::Sqlite => "sqlite",
            Self::Postgres => "postgresql",
        }
    }
}

/// The kinds of databases there are here: each test runs once on each.
///
/// PostgreSQL is there when `TEST_POSTGRES_URL` names a server and a user who may create databases in it.
pub(crate) fn databases() -> impl Iterator<Item = Kind> {
    static TOLD: Once = Once::new();
    let kinds: &[_] = if server().is_some() {
        &[Kind::Sqlite, Kind::Postgres]
    } else {
        TOLD.call_once(|| tell("TEST_POSTGRES_URL is not set: tests on PostgreSQL are skipped"));
        &[Kind::Sqlite]
    };
    // Shown when the test fails.
    kinds.iter().copied().inspect(|kind| print_captured(*kind))
}

/// A new database on the server; `None`, and said so, when there is no server.
pub(crate) fn postgres(test: &str) -> Option<TestDatabase> {
    if server().is_none() {
        tell(&format!(
            "{test}: skipped, since TEST_POSTGRES_URL is not set"
        ));
        return None;
    }
    Some(TestDatabase::create(Kind::Postgres))
}

/// A database of one test, which goes with it.
pub(crate) struct TestDatabase {
    /// A value of `DATABASE_URL`.
    pub(crate) url: String,
    place: Place,
}

enum Place {
    Folder(TempDir),
    Server { name: String },
}

impl TestDatabase {
    pub(crate) fn create(kind: Kind) -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        match kind {
            Kind::Sqlite => {
                let folder = tempfile::tempdir().unwrap();
                let file = folder.path().join("test.db");
                Self {
                    url: format!("sqlite://{}", file.display()),
                    place: Place::Folder(folder),
                }
            }
            Kind::Postgres => {
                let number = NEXT.fetch_add(1, Ordering::Relaxed);
                let name = concat!(env!("CARGO_PKG_NAME"), "_api").replace('-', "_");
                let name = format!("{name}_{}_{number}", process::id());
                administrate(&format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"));
                administrate(&format!("CREATE DATABASE {name}"));
                Self {
                    url: url_of(&name),
                    place: Place::Server { name },
                }
            }
        }
    }

    /// Changes the database behind the back of the service.
    pub(crate) fn change(&self, sql: &str) {
        match &self.place {
            Place::Folder(folder) => {
                let file = folder.path().join("test.db");
                let mut connection = SqliteConnection::establish(file.to_str().unwrap()).unwrap();
                connection
                    .batch_execute("PRAGMA busy_timeout = 5000")
                    .unwrap();
                connection.batch_execute(sql).unwrap();
            }
            Place::Server { .. } => {
                let mut connection = PgConnection::establish(&self.url).unwrap();
                connection.batch_execute(sql).unwrap();
            }
        }
    }

    /// Closes all connections to a database on the server, and lets nobody in.
    pub(crate) fn shut(&self) {
        let Place::Server { name } = &self.place else {
            panic!("a file has no door");
        };
        administrate(&format!("ALTER DATABASE {name} ALLOW_CONNECTIONS false"));
        administrate(&format!(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'"
        ));
    }

    /// Lets connections in again.
    pub(crate) fn open(&self) {
        let Place::Server { name } = &self.place else {
            panic!("a file has no door");
        };
        administrate(&format!("ALTER DATABASE {name} ALLOW_CONNECTIONS true"));
    }
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        if let Place::Server { name } = &self.place {
            administrate(&format!("DROP DATABASE {name} WITH (FORCE)"));
        }
    }
}

fn server() -> Option<String> {
    env::var("TEST_POSTGRES_URL")
        .ok()
        .filter(|url| !url.is_empty())
}

/// The URL of the server with another database in it.
fn url_of(database: &str) -> String {
    let server = server().unwrap();
    let (start, _) = server.rsplit_once('/').unwrap();
    format!("{start}/{database}")
}

fn administrate(sql: &str) {
    let mut connection = PgConnection::establish(&server().unwrap()).unwrap();
    connection.batch_execute(sql).unwrap();
}

/// Writes a line that is seen also when the test passes.
pub(crate) fn tell(line: &str) {
    // Unlike `eprintln!`, this is not captured.
    io::stderr()
        .write_all(format!("{line}\n").as_bytes())
        .unwrap();
}

#[expect(clippy::print_stderr, reason = "shown with the failure of a test")]
fn print_captured(kind: Kind) {
    eprintln!("on {kind:?}:");
}
