//! Queues of a RabbitMQ broker.
//!
//! | queue              | holds                                                                       |
//! |--------------------|-----------------------------------------------------------------------------|
//! | `<name>`           | what is to be processed                                                     |
//! | `<name>.retry.<n>` | what failed at its nth attempt, until its pause is over                     |
//! | `<name>.dead`      | what was given up, for a person to look at                                  |
//!
//! All are quorum queues: durable, and safe against the loss of a node where there are several. A message counts as sent
//! only when the broker has confirmed it. What a queue hands on, to its next attempt or to the dead, it keeps until the other
//! queue has it, which needs RabbitMQ 3.10 or later.
//!
//! A queue keeps the arguments that it was declared with. One that was declared with others is refused (406,
//! `PRECONDITION_FAILED`), and all of its name are to be deleted once they are empty; they are declared again when they are needed.

use std::{
    borrow::Cow,
    collections::HashSet,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use lapin::{
    BasicProperties, Channel, Confirmation, Connection, ConnectionProperties,
    options::{BasicPublishOptions, ConfirmSelectOptions, QueueDeclareOptions},
    types::{AMQPValue, FieldTable, LongString, ShortString},
};
use otel_runtime::instrument::messaging::Message;
use tokio::{net::TcpStream, runtime::Handle, sync::Mutex, time::timeout};
use ulid::Ulid;

use super::{BrokerUrl, Headers};

/// The name of the messaging system on the spans.
const SYSTEM: &str = "rabbitmq";

/// How long the broker may take to answer.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(3);

/// What a client of AMQP 0-9-1 says first.
const PROTOCOL_HEADER: &[u8] = b"AMQP\x00\x00\x09\x01";

/// How long a broker that failed is left alone.
const RECONNECT_PAUSE: Duration = Duration::from_secs(1);

/// The pauses before the second, third, .. attempt.
pub(crate) const RETRY_PAUSES: [Duration; super::MAX_ATTEMPTS - 1] = [
    Duration::from_millis(100),
    Duration::from_millis(400),
    Duration::from_millis(1600),
    Duration::from_secs(5),
];

/// A broker, and the connection on which messages are published.
#[derive(Clone, Debug)]
pub struct RabbitMqQueue {
    url: BrokerUrl,
    /// Where the connections live. What asks for one may run on a thread of the web server, which ends before them.
    runtime: Handle,
    link: Arc<Mutex<Link>>,
    /// Whether the broker was silent when it was last connected to.
    is_silent: Arc<AtomicBool>,
}

/// The way to the broker that all who publish share.
#[derive(Debug, Default)]
struct Link {
    publisher: Option<Publisher>,
    /// How many publishers there were, which is the number of the last.
    made: u64,
    failed: Option<Instant>,
}

/// The channel of a publisher, and which one that is.
struct Borrowed {
    channel: Channel,
    number: u64,
}

/// A channel that confirms what is published.
#[derive(Debug)]
pub(crate) struct Publisher {
    connection: Connection,
    pub(crate) channel: Channel,
    declared: HashSet<&'static str>,
}

impl RabbitMqQueue {
    /// Needs a Tokio runtime, on which its connections live.
    pub(super) fn new(url: BrokerUrl) -> Self {
        Self {
            url,
            runtime: Handle::current(),
            link: Arc::default(),
            is_silent: Arc::default(),
        }
    }

    /// Publishes a message, and waits until the broker has it.
    pub(super) async fn publish(
        &self,
        queue: &'static str,
        id: Ulid,
        payload: &[u8],
        headers: &Headers,
    ) -> Result<(), PublishError> {
        let properties = BasicProperties::default()
            .with_message_id(id.to_string().into())
            .with_headers(table(headers));
        let Borrowed { channel, number } = self.link.lock().await.channel(self, queue).await?;
        let published = publish(&channel, queue, payload, properties).await;
        if let Err(error) = &published {
            self.link.lock().await.failed_with(number, error);
        }
        published
    }

    /// A connection of its own.
    ///
    /// The client cannot be told to leave off: while its peer is silent, each attempt keeps a thread and a socket. So there is no
    /// further one until the broker has greeted somebody.
    pub(crate) async fn connect(&self) -> Result<Publisher, PublishError> {
        if self.is_silent.load(Ordering::Relaxed) {
            answered(self.greeting()).await?;
        }
        let url = self.url.clone();
        let connecting = self.runtime.spawn(async move {
            let properties =
                ConnectionProperties::default().with_connection_name(env!("CARGO_PKG_NAME").into());
            let connection = Connection::connect(url.as_str(), properties).await?;
            let channel = connection.create_channel().await?;
            channel
                .confirm_select(ConfirmSelectOptions::default())
                .await?;
            Ok::<_, lapin::Error>(Publisher {
                connection,
                channel,
                declared: HashSet::new(),
            })
        });
        let connected = timeout(ANSWER_TIMEOUT, connecting).await;
        self.is_silent.store(connected.is_err(), Ordering::Relaxed);
        connected??.map_err(PublishError::from)
    }

    /// Waits until the broker begins to answer somebody who connects. What it says is not looked at.
    async fn greeting(&self) -> lapin::Result<()> {
        let stream = TcpStream::connect((self.url.host(), self.url.port())).await?;
        stream.writable().await?;
        stream.try_write(PROTOCOL_HEADER)?;
        stream.peek(&mut [0]).await?;
        Ok(())
    }

    pub(crate) fn url(&self) -> &BrokerUrl {
        &self.url
    }

    pub(super) fn message(&self, queue: impl Into<Cow<'static, str>>) -> Message {
        let queue = queue.into();
        Message::new(SYSTEM, queue.clone())
            .attribute("messaging.rabbitmq.destination.routing_key", queue)
            .attribute("server.address", self.url.host().to_owned())
            .attribute("server.port", i64::from(self.url.port()))
    }

    pub(super) async fn close(&self) {
        if let Some(publisher) = self.link.lock().await.publisher.take() {
            publisher.close().await;
        }
    }
}

impl Link {
    /// A channel on which to publish into the queue of this name. Many may use it at once.
    ///
    /// A broker that failed is left alone for a moment, so that not everyone waits for it in turn. One that blocks is not
    /// asked until it takes messages again: a further connection would be blocked like this one, and a blocked one keeps its
    /// thread and its socket even when it is dropped.
    async fn channel(
        &mut self,
        broker: &RabbitMqQueue,
        queue: &'static str,
    ) -> Result<Borrowed, PublishError> {
        if self.publisher.as_ref().is_some_and(Publisher::is_blocked) {
            return Err(PublishError::Blocked);
        }
        if self
            .failed
            .is_some_and(|failed| failed.elapsed() < RECONNECT_PAUSE)
        {
            return Err(PublishError::FailedBefore);
        }
        let made = self.made;
        let usable = self.publisher.take().filter(Publisher::is_usable);
        let ready = async {
            let (mut publisher, number) = match usable {
                Some(publisher) => (publisher, made),
                None => (broker.connect().await?, made + 1),
            };
            publisher.declare(queue).await?;
            Ok((publisher, number))
        };
        match ready.await {
            Ok((publisher, number)) => {
                let channel = publisher.channel.clone();
                *self = Self {
                    publisher: Some(publisher),
                    made: number,
                    failed: None,
                };
                Ok(Borrowed { channel, number })
            }
            Err(error) => {
                self.failed = Some(Instant::now());
                Err(error)
            }
        }
    }

    /// Drops the publisher of this number, on which publishing failed. One that somebody has made since then is left alone, and
    /// so is one that is blocked.
    fn failed_with(&mut self, number: u64, error: &PublishError) {
        if self.made != number {
            return;
        }
        if matches!(error, PublishError::NoAnswer) {
            self.failed = Some(Instant::now());
        }
        // Whatever else it was, a new connection is no worse.
        self.publisher.take_if(|publisher| !publisher.is_blocked());
    }
}

impl Publisher {
    fn is_usable(&self) -> bool {
        self.channel.status().connected()
    }

    /// Whether the broker has said that it takes no messages for now.
    fn is_blocked(&self) -> bool {
        self.is_usable() && self.connection.status().blocked()
    }

    /// Declares the queue of this name and those that belong to it, if that was not done before.
    pub(crate) async fn declare(&mut self, queue: &'static str) -> Result<(), PublishError> {
        if self.declared.contains(queue) {
            return Ok(());
        }
        let dead = dead(queue);
        self.declare_one(&dead, &[]).await?;
        for (at, pause) in RETRY_PAUSES.iter().enumerate() {
            let pause = i64::try_from(pause.as_millis()).unwrap_or(i64::MAX);
            let mut arguments = handing_on(queue);
            arguments.push(("x-message-ttl", AMQPValue::LongLongInt(pause)));
            self.declare_one(&retry(queue, at + 1), &arguments).await?;
        }
        self.declare_one(queue, &handing_on(&dead)).await?;
        self.declared.insert(queue);
        Ok(())
    }

    async fn declare_one(
        &self,
        queue: &str,
        arguments: &[(&str, AMQPValue)],
    ) -> Result<(), PublishError> {
        let mut table = FieldTable::default();
        table.insert("x-queue-type".into(), text("quorum"));
        for (name, value) in arguments {
            table.insert(ShortString::from(*name), value.clone());
        }
        let declaring =
            self.channel
                .queue_declare(queue.into(), QueueDeclareOptions::durable(), table);
        answered(declaring).await?;
        Ok(())
    }

    pub(crate) async fn close(self) {
        let closing = self.connection.close(200, "the service ends".into());
        if let Err(error) = answered(closing).await {
            log::debug!("the connection to the broker did not end well: {error}");
        }
    }
}

/// The arguments of a queue that hands on to another what it keeps no longer, and loses nothing of it: that needs a queue which
/// refuses what is too much, instead of dropping what is old.
fn handing_on(other: &str) -> Vec<(&'static str, AMQPValue)> {
    vec![
        ("x-dead-letter-exchange", text("")),
        ("x-dead-letter-routing-key", text(other)),
        ("x-dead-letter-strategy", text("at-least-once")),
        ("x-overflow", text("reject-publish")),
    ]
}

/// Publishes on a channel that confirms, and waits until the broker has the message.
pub(crate) async fn publish(
    channel: &Channel,
    queue: &str,
    payload: &[u8],
    properties: BasicProperties,
) -> Result<(), PublishError> {
    const PERSISTENT: u8 = 2;
    let properties = properties
        .with_delivery_mode(PERSISTENT)
        .with_content_type("application/json".into());
    let options = BasicPublishOptions {
        mandatory: true,
        ..BasicPublishOptions::default()
    };
    let publishing = async {
        channel
            .basic_publish("".into(), queue.into(), options, payload, properties)
            .await?
            .await
    };
    match answered(publishing).await? {
        Confirmation::Ack(None) => Ok(()),
        Confirmation::Ack(Some(returned)) | Confirmation::Nack(Some(returned)) => {
            Err(PublishError::Refused(returned.reply_text.to_string()))
        }
        Confirmation::Nack(None) | Confirmation::NotRequested => {
            Err(PublishError::Refused("it was not confirmed".to_owned()))
        }
    }
}

/// What the broker answers, if it does in time.
pub(crate) async fn answered<T>(
    asking: impl Future<Output = lapin::Result<T>>,
) -> Result<T, PublishError> {
    Ok(timeout(ANSWER_TIMEOUT, asking).await??)
}

/// Where a message waits after its nth attempt.
pub(crate) fn retry(queue: &str, attempt: usize) -> String {
    format!("{queue}.retry.{attempt}")
}

/// Where what was given up is kept.
pub(crate) fn dead(queue: &str) -> String {
    format!("{queue}.dead")
}

pub(crate) fn text(text: &str) -> AMQPValue {
    AMQPValue::LongString(LongString::from(text))
}

/// Headers as they travel.
pub(crate) fn table(headers: &Headers) -> FieldTable {
    let mut table = FieldTable::default();
    for (name, value) in headers {
        table.insert(ShortString::from(name.as_str()), text(value));
    }
    table
}

/// Why a message was not published.
#[derive(Debug, thiserror::Error)]
pub enum PublishError {
    /// The broker is not there, or ended the connection.
    #[error("the broker failed: {0}")]
    Broker(#[from] lapin::Error),
    /// The broker is there and says nothing.
    #[error("the broker did not answer within {ANSWER_TIMEOUT:?}")]
    NoAnswer,
    /// The broker failed a moment ago, and was not asked again.
    #[error("the broker failed less than {RECONNECT_PAUSE:?} ago")]
    FailedBefore,
    /// The broker takes no messages for now, for want of memory or disk.
    #[error("the broker is there, and takes no messages for now")]
    Blocked,
    /// The broker did not take the message.
    #[error("the broker refused: {0}")]
    Refused(String),
    /// The connecting was cut off.
    #[error("the connecting was cut off: {0}")]
    CutOff(#[from] tokio::task::JoinError),
}

impl From<tokio::time::error::Elapsed> for PublishError {
    fn from(_: tokio::time::error::Elapsed) -> Self {
        Self::NoAnswer
    }
}
