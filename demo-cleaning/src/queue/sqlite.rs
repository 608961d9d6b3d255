//! Queues in a file that apalis keeps.

use std::{convert::Infallible, path::PathBuf, time::Duration};

use apalis::prelude::{
    Backend, BackendExt, Codec, MetadataStore, TaskBuilder, TaskId, TaskSink, TaskSinkError,
};
use apalis_sqlite::{Config, SqliteConnectOptions, SqlitePool, SqlitePoolOptions, SqliteStorage};
use sqlx::sqlite::{SqliteJournalMode, SqliteSynchronous};
use tokio::task::spawn_blocking;
use ulid::Ulid;

use super::{Headers, MAX_ATTEMPTS, Payload};
use crate::{config::SqliteFile, file_lock::FileLock};

/// The name of the messaging system on the spans.
pub(crate) const SYSTEM: &str = "apalis";

/// A worker tells that it lives this often; one that missed two is taken for dead and its messages are tried again.
const HEARTBEAT: Duration = Duration::from_secs(5);

/// How long a message that is done stays, and a worker that is gone: by its id a message is known that is sent once more.
const KEPT: Duration = Duration::from_hours(24);

/// How many rows are deleted at once, so that nobody waits long for the file.
const BATCH: u32 = 1000;

const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
const MAX_CONNECTIONS: u32 = 4;

/// A pool of connections to the file.
#[derive(Clone, Debug)]
pub struct SqliteQueue {
    pool: SqlitePool,
}

impl SqliteQueue {
    /// Opens the queue; creates it if there is none. Safe when several processes do it at once.
    ///
    /// # Errors
    ///
    /// The file cannot be created or opened, or apalis cannot bring its tables up to date.
    pub async fn open(file: &SqliteFile) -> Result<Self, OpenError> {
        let failed = |cause| OpenError {
            file: file.path().to_owned(),
            cause,
        };
        let path = file.path().to_owned();
        let locking = spawn_blocking(move || FileLock::acquire(&path)).await;
        let locked = locking.map_err(|error| failed(error.into()))?;
        let _lock = locked.map_err(|error| failed(error.into()))?;
        let options = SqliteConnectOptions::new()
            .filename(file.path())
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Normal)
            .busy_timeout(BUSY_TIMEOUT);
        let pool = SqlitePoolOptions::new()
            .max_connections(MAX_CONNECTIONS)
            .acquire_timeout(BUSY_TIMEOUT)
            .connect_with(options)
            .await
            .map_err(|error| failed(error.into()))?;
        SqliteStorage::migrations()
            .run(&pool)
            .await
            .map_err(|error| failed(error.into()))?;
        Ok(Self { pool })
    }

    /// Puts a message into the queue of this name, where it may be already: then it is not put there again.
    pub(super) async fn push(
        &self,
        queue: &str,
        id: Ulid,
        payload: Payload,
        headers: Headers,
    ) -> Result<(), PushError> {
        let task = TaskBuilder::new(payload)
            .task_id(TaskId::from_ulid(id))
            .max_attempts(MAX_ATTEMPTS)
            .with_metadata(MetadataStore::from_map(headers))
            .build();
        let pushed = self
            .storage(queue)
            .with_codec(AsWritten)
            .push_task(task)
            .await;
        match pushed {
            Err(TaskSinkError::PushError(error)) if is_there_already(&error) => Ok(()),
            pushed => pushed,
        }
    }

    /// Deletes messages that were done, and workers that were seen last, more than a day ago. What was given up stays.
    ///
    /// The file does not shrink, but the room is used again.
    pub(crate) async fn forget_old(&self) -> Result<(), sqlx::Error> {
        let kept = i64::try_from(KEPT.as_secs()).unwrap_or(i64::MAX);
        loop {
            let forgetting = sqlx::query(
                "DELETE FROM Jobs WHERE id IN ( \
                     SELECT id FROM Jobs WHERE status = 'Done' AND done_at < strftime('%s', 'now') - ? LIMIT ? \
                 )",
            );
            let forgotten = forgetting
                .bind(kept)
                .bind(BATCH)
                .execute(&self.pool)
                .await?;
            if forgotten.rows_affected() < u64::from(BATCH) {
                break;
            }
        }
        let forgetting = sqlx::query(
            "DELETE FROM Workers WHERE last_seen < strftime('%s', 'now') - ? \
                 AND NOT EXISTS (SELECT 1 FROM Jobs WHERE lock_by = Workers.id)",
        );
        forgetting.bind(kept).execute(&self.pool).await?;
        Ok(())
    }

    /// Ends the connections; work under way is finished first.
    pub async fn close(&self) {
        self.pool.close().await;
    }

    /// What apalis reads and writes the queue of this name with.
    pub(crate) fn storage(&self, queue: &str) -> SqliteStorage<Payload> {
        let config = Config::default().queue(queue).heartbeat_interval(HEARTBEAT);
        SqliteStorage::new(&self.pool).with_config(config)
    }
}

/// Whether a message was not stored because there is one with its id.
fn is_there_already(error: &apalis_sqlite::Error) -> bool {
    matches!(
        error,
        apalis_sqlite::Error::Database(sqlx::Error::Database(error)) if error.is_unique_violation()
    )
}

/// Leaves the payload alone, so that a message that cannot be read fails by itself and not the worker.
#[derive(Clone, Copy, Debug)]
pub(crate) struct AsWritten;

impl Codec<Payload> for AsWritten {
    type Compact = Payload;
    type Error = Infallible;

    fn encode(&self, payload: &Payload) -> Result<Payload, Infallible> {
        Ok(payload.clone())
    }

    fn decode(&self, payload: &Payload) -> Result<Payload, Infallible> {
        Ok(payload.clone())
    }
}

/// Why the queue cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("QUEUE_URL: cannot open the queue {file}: {cause}", file = file.display())]
pub struct OpenError {
    file: PathBuf,
    cause: Box<dyn std::error::Error + Send + Sync>,
}

/// Why apalis did not take a message.
pub(crate) type PushError = TaskSinkError<<SqliteStorage<Payload> as Backend>::Error>;

#[cfg(test)]
mod tests {
    use super::*;

    async fn column(queue: &SqliteQueue, sql: &'static str) -> Vec<String> {
        let asking = sqlx::query_scalar(sql).fetch_all(&queue.pool);
        asking.await.unwrap()
    }

    #[tokio::test]
    async fn what_is_done_for_more_than_a_day_is_forgotten() {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}/queue.db", folder.path().display());
        let file = SqliteFile::parse(&url).unwrap();
        let queue = SqliteQueue::open(&file).await.unwrap();
        for (number, (worker, status, seconds)) in [
            ("of-yesterday", "Done", 86_410),
            ("of-today", "Done", 86_000),
            ("of-what-failed", "Failed", 90_000),
            ("of-what-was-cut-off", "Running", 90_000),
        ]
        .into_iter()
        .enumerate()
        {
            let id = Ulid::from_parts(0, number as u128);
            let pushing = queue.push("test", id, Payload::new(), Headers::new());
            pushing.await.unwrap();
            sqlx::query(
                "INSERT INTO Workers (id, worker_type, storage_name, last_seen) \
                 VALUES (?1, 'test', 'test', strftime('%s', 'now') - 90000); \
                 UPDATE Jobs SET status = ?2, done_at = strftime('%s', 'now') - ?3, lock_by = ?1 WHERE id = ?4",
            )
            .bind(worker)
            .bind(status)
            .bind(seconds)
            .bind(id.to_string())
            .execute(&queue.pool)
            .await
            .unwrap();
        }
        sqlx::query(
            "INSERT INTO Workers (id, worker_type, storage_name) VALUES ('idle', 'test', 'test')",
        )
        .execute(&queue.pool)
        .await
        .unwrap();

        queue.forget_old().await.unwrap();

        assert_eq!(
            column(&queue, "SELECT status FROM Jobs ORDER BY id").await,
            ["Done", "Failed", "Running"]
        );
        assert_eq!(
            column(&queue, "SELECT id FROM Workers ORDER BY id").await,
            ["idle", "of-today", "of-what-failed", "of-what-was-cut-off"]
        );
    }
}
