//! The queue that both services share: a file that apalis keeps.
//!
//! A message is JSON, and what belongs to its journey (the trace context) travels in string headers beside it.

use std::{collections::HashMap, convert::Infallible, path::PathBuf, time::Duration};

use apalis::prelude::{
    Backend, BackendExt, Codec, MetadataStore, TaskBuilder, TaskId, TaskSink, TaskSinkError,
};
use apalis_sqlite::{Config, SqliteConnectOptions, SqlitePool, SqlitePoolOptions, SqliteStorage};
use otel_runtime::instrument::messaging::Message;
use serde::Serialize;
use sqlx::sqlite::{SqliteJournalMode, SqliteSynchronous};
use ulid::Ulid;

use crate::{config::SqliteFile, file_lock::FileLock};

/// The name of the messaging system on the spans.
pub(crate) const SYSTEM: &str = "apalis";

/// How often a message is tried before it is given up.
pub(crate) const MAX_ATTEMPTS: usize = 5;

/// A worker tells that it lives this often; one that missed two is taken for dead and its messages are tried again.
const HEARTBEAT: Duration = Duration::from_secs(5);

const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
const MAX_CONNECTIONS: u32 = 4;

/// The body of a message as it is on the wire.
pub(crate) type Payload = Vec<u8>;

/// A pool of connections to the queue.
#[derive(Clone, Debug)]
pub struct Queue {
    pool: SqlitePool,
}

impl Queue {
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
        let _lock = FileLock::acquire(file.path()).map_err(|error| failed(error.into()))?;
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

    /// Puts `message` into the queue of this name, with the current trace context in its headers.
    ///
    /// # Errors
    ///
    /// The message was not stored.
    pub async fn send<M: Serialize>(
        &self,
        queue: &'static str,
        message: &M,
    ) -> Result<(), SendError> {
        let payload = serde_json::to_vec(message)?;
        let id = Ulid::generate();
        Message::new(SYSTEM, queue)
            .id(id.to_string())
            .body_size(payload.len())
            .send(HashMap::new(), |headers| async move {
                let task = TaskBuilder::new(payload)
                    .task_id(TaskId::from_ulid(id))
                    .max_attempts(MAX_ATTEMPTS)
                    .with_metadata(MetadataStore::from_map(headers))
                    .build();
                self.storage(queue)
                    .with_codec(AsWritten)
                    .push_task(task)
                    .await?;
                Ok(())
            })
            .await
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

/// Why a message was not sent.
#[derive(Debug, thiserror::Error)]
pub enum SendError {
    /// The message cannot be written as JSON.
    #[error("the message cannot be written: {0}")]
    Encode(#[from] serde_json::Error),
    /// The queue did not take the message.
    #[error("the queue refused: {0}")]
    Push(#[from] TaskSinkError<<SqliteStorage<Payload> as Backend>::Error>),
}
