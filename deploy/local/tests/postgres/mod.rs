//! A database of the server that `TEST_POSTGRES_URL` names.

use std::{
    env,
    io::{self, Write},
    process,
};

use diesel::{Connection, PgConnection, connection::SimpleConnection};

/// A database of one test, which goes with it.
pub(crate) struct PostgresDatabase {
    /// A value of `DATABASE_URL`.
    pub(crate) url: String,
    server: String,
    name: String,
}

impl PostgresDatabase {
    /// A new database; `None`, and said so, when there is no server.
    pub(crate) fn create(test: &str) -> Option<Self> {
        let Some(server) = env::var("TEST_POSTGRES_URL")
            .ok()
            .filter(|url| !url.is_empty())
        else {
            let line = format!("{test}: skipped, since TEST_POSTGRES_URL is not set\n");
            // Unlike `eprintln!`, this is not captured.
            io::stderr().write_all(line.as_bytes()).unwrap();
            return None;
        };
        let name = format!("demo_local_{}", process::id());
        administrate(
            &server,
            &format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"),
        );
        administrate(&server, &format!("CREATE DATABASE {name}"));
        let (start, _) = server.rsplit_once('/').unwrap();
        Some(Self {
            url: format!("{start}/{name}"),
            server,
            name,
        })
    }
}

impl Drop for PostgresDatabase {
    fn drop(&mut self) {
        let drop = format!("DROP DATABASE {} WITH (FORCE)", self.name);
        administrate(&self.server, &drop);
    }
}

fn administrate(server: &str, sql: &str) {
    let mut connection = PgConnection::establish(server).unwrap();
    connection.batch_execute(sql).unwrap();
}
