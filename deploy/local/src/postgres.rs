//! A database of a PostgreSQL server that is ours alone.

use std::{
    process,
    sync::atomic::{AtomicU32, Ordering},
};

use anyhow::Context;
use diesel::{Connection, PgConnection, connection::SimpleConnection};

/// A database that goes with this value.
#[derive(Debug)]
pub struct PostgresDatabase {
    /// A value of `DATABASE_URL`.
    pub url: String,
    server: String,
    name: String,
}

impl PostgresDatabase {
    /// Makes a new database on the server of `server`, the URL of another database there.
    ///
    /// # Errors
    ///
    /// The URL names no database, or the server refuses.
    pub fn create(server: &str) -> anyhow::Result<Self> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("demo_local_{}_{count}", process::id());
        let (start, _) = server
            .rsplit_once('/')
            .context("the URL of the server names no database; end it with /postgres")?;
        administrate(
            server,
            &format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"),
        )?;
        administrate(server, &format!("CREATE DATABASE {name}"))?;
        Ok(Self {
            url: format!("{start}/{name}"),
            server: server.to_owned(),
            name,
        })
    }
}

impl Drop for PostgresDatabase {
    fn drop(&mut self) {
        // Where the server is gone, there is nobody to tell.
        let drop = format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name);
        let _ = administrate(&self.server, &drop);
    }
}

fn administrate(server: &str, sql: &str) -> anyhow::Result<()> {
    let mut connection = PgConnection::establish(server).context("the server does not answer")?;
    connection.batch_execute(sql)?;
    Ok(())
}
