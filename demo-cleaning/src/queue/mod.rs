//! The queues that both services share: in a file, or on a RabbitMQ broker.
//!
//! A message is JSON, and what belongs to its journey (the trace context, and when it was sent) travels in string headers
//! beside it.

mod address;
pub(crate) mod rabbitmq;
pub(crate) mod sqlite;

use std::{
    borrow::Cow,
    collections::HashMap,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use otel_runtime::instrument::messaging::Message;
use serde::Serialize;
use ulid::Ulid;

pub use self::address::{BrokerUrl, QueueAddress};
use self::{
    rabbitmq::{PublishError, RabbitMqQueue},
    sqlite::{PushError, SqliteQueue},
};

/// How often a message is tried before it is given up.
pub(crate) const MAX_ATTEMPTS: usize = 5;

/// The header that says when a message was put into its queue, in milliseconds since the Unix epoch. What the queues
/// themselves record is in whole seconds.
const SENT_AT: &str = "x-sent-at";

/// The body of a message as it is on the wire.
pub(crate) type Payload = Vec<u8>;

/// What travels beside the body.
pub(crate) type Headers = HashMap<String, String>;

/// The way to the queues.
#[derive(Clone, Debug)]
pub enum Queue {
    /// In a file.
    Sqlite(SqliteQueue),
    /// On a broker.
    RabbitMq(RabbitMqQueue),
}

impl Queue {
    /// Opens the queues. A file is created if there is none; a broker is looked for when it is needed.
    ///
    /// # Errors
    ///
    /// The file cannot be created or opened, or apalis cannot bring its tables up to date.
    pub async fn open(address: &QueueAddress) -> Result<Self, sqlite::OpenError> {
        Ok(match address {
            QueueAddress::Sqlite(file) => Self::Sqlite(SqliteQueue::open(file).await?),
            QueueAddress::RabbitMq(url) => Self::RabbitMq(RabbitMqQueue::new(url.clone())),
        })
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
        self.publish(queue, Ulid::generate(), serde_json::to_vec(message)?)
            .await
    }

    /// Puts a message with this id, written as JSON, into the queue of this name, with the current trace context in its
    /// headers.
    ///
    /// # Errors
    ///
    /// The message was not stored.
    pub async fn publish(
        &self,
        queue: &'static str,
        id: Ulid,
        payload: Payload,
    ) -> Result<(), SendError> {
        self.message(queue)
            .id(id.to_string())
            .body_size(payload.len())
            .send(stamped(Headers::new()), |headers| async move {
                match self {
                    Self::Sqlite(file) => file.push(queue, id, payload, headers).await?,
                    Self::RabbitMq(broker) => broker.publish(queue, id, &payload, &headers).await?,
                }
                Ok(())
            })
            .await
    }

    /// A message on its way through the queue of this name, for its span.
    pub(crate) fn message(&self, queue: impl Into<Cow<'static, str>>) -> Message {
        match self {
            Self::Sqlite(_) => Message::new(sqlite::SYSTEM, queue),
            Self::RabbitMq(broker) => broker.message(queue),
        }
    }

    /// Ends the connections; work under way is finished first.
    pub async fn close(&self) {
        match self {
            Self::Sqlite(file) => file.close().await,
            Self::RabbitMq(broker) => broker.close().await,
        }
    }
}

/// Headers with the time at which they are sent.
pub(crate) fn stamped(mut headers: Headers) -> Headers {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH);
    let millis = since_epoch.unwrap_or_default().as_millis();
    headers.insert(SENT_AT.to_owned(), millis.to_string());
    headers
}

/// When the message with these headers was sent, if that is told.
pub(crate) fn sent_at(headers: &Headers) -> Option<SystemTime> {
    let millis = headers.get(SENT_AT)?.parse().ok()?;
    UNIX_EPOCH.checked_add(Duration::from_millis(millis))
}

/// Why a message was not sent.
#[derive(Debug, thiserror::Error)]
pub enum SendError {
    /// The message cannot be written as JSON.
    #[error("the message cannot be written: {0}")]
    Encode(#[from] serde_json::Error),
    /// The file did not take the message.
    #[error("the queue refused: {0}")]
    Push(#[from] PushError),
    /// The broker did not take the message.
    #[error("the message was not published: {0}")]
    Publish(#[from] PublishError),
}

impl SendError {
    /// Whether the queue was not there, or took no messages then.
    #[must_use]
    pub fn is_outage(&self) -> bool {
        match self {
            Self::Push(_) | Self::Publish(_) => true,
            Self::Encode(_) => false,
        }
    }
}
