//! Sets up and opens a database whose server may still be starting.

use std::time::{Duration, Instant};

use otel_runtime::spawn_blocking;
use tokio::time::sleep;

use super::Store;
use crate::config::Database;

/// How long a server that is not there is waited for: where all start at once, it may come later than this process.
const START_TIMEOUT: Duration = Duration::from_mins(1);

/// The pause before the next attempt.
const PAUSE: Duration = Duration::from_secs(1);

/// How often the log tells what is waited for.
const TELL: Duration = Duration::from_secs(10);

/// Brings the tables up to date and opens the database. A server that is not there, or not ready, is waited for, at most a
/// minute.
///
/// # Errors
///
/// What [`Store::set_up`] and [`Store::open`] find wrong; at once, where waiting would not mend it.
pub async fn start(database: &Database) -> anyhow::Result<Store> {
    start_within(START_TIMEOUT, database).await
}

async fn start_within(timeout: Duration, database: &Database) -> anyhow::Result<Store> {
    let begin = Instant::now();
    let mut tell = begin;
    loop {
        let place = database.clone();
        let opening = spawn_blocking(move || {
            Store::set_up(&place)?;
            Store::open(&place)
        });
        let error = match opening.await? {
            Err(error) if error.is_outage() && begin.elapsed() < timeout => error,
            outcome => return Ok(outcome?),
        };
        if Instant::now() >= tell {
            log::warn!("the database is waited for: {error}");
            tell = Instant::now() + TELL;
        }
        sleep(PAUSE).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_server_that_does_not_come_is_told_in_the_end() {
        let database = Database::parse("postgres://127.0.0.1:1/rooms").unwrap();
        let starting = start_within(Duration::from_millis(1), &database);
        let error = starting.await.err().unwrap().to_string();
        assert!(
            error.starts_with("DATABASE_URL: cannot set up the database 127.0.0.1:1/rooms: "),
            "{error}"
        );
    }
}
