//! The queues of the services on a RabbitMQ broker, for one user at a time.

use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use lapin::{
    Channel, Connection, ConnectionProperties,
    options::{QueueDeclareOptions, QueueDeleteOptions},
    types::FieldTable,
};

/// The queues that the services send each other messages through. Their names are the same wherever they run.
const QUEUES: [&str; 2] = ["booking.created", "cleaning.planned"];

/// What belongs to each queue, beside itself.
const BESIDE: [&str; 5] = ["retry.1", "retry.2", "retry.3", "retry.4", "dead"];

/// Only one connection can have this queue. It ends with the connection, however that ends.
const TURN: &str = "demo-local.turn";

/// How long others may keep the queues.
const TURN_TIMEOUT: Duration = Duration::from_mins(10);

/// How often it is tried whether the queues are free.
const LOOK: Duration = Duration::from_millis(100);

/// The broker answers so that a queue belongs to another connection.
const RESOURCE_LOCKED: u16 = 405;

/// A broker whose queues of the services are ours, and empty at first.
///
/// All that reserve them take turns, in whichever process they run.
#[derive(Debug)]
pub struct ReservedBroker {
    /// A value of `QUEUE_URL`.
    pub url: String,
    connection: Connection,
    channel: Channel,
}

impl ReservedBroker {
    /// Waits until nobody else has reserved the queues on the broker at `url`, at most ten minutes, and deletes them.
    ///
    /// # Errors
    ///
    /// The broker does not answer, or another keeps the queues for longer.
    pub async fn reserve(url: &str) -> anyhow::Result<Self> {
        let connection = Connection::connect(url, ConnectionProperties::default())
            .await
            .context("the broker does not answer")?;
        let give_up = Instant::now() + TURN_TIMEOUT;
        let channel = loop {
            if let Some(channel) = take_turn(&connection).await? {
                break channel;
            }
            if Instant::now() > give_up {
                bail!("another had the queues of the broker for {TURN_TIMEOUT:?}");
            }
            tokio::time::sleep(LOOK).await;
        };
        let broker = Self {
            url: url.to_owned(),
            connection,
            channel,
        };
        broker.delete_queues().await?;
        Ok(broker)
    }

    /// Deletes the queues, and leaves them to the next.
    ///
    /// # Errors
    ///
    /// The broker does not answer.
    pub async fn release(self) -> anyhow::Result<()> {
        self.delete_queues().await?;
        self.connection.close(200, "done".into()).await?;
        Ok(())
    }

    /// How many messages were given up so far.
    ///
    /// # Errors
    ///
    /// The broker does not answer, or there are no queues yet.
    pub async fn given_up(&self) -> anyhow::Result<u32> {
        let mut given_up = 0;
        for queue in QUEUES {
            let options = QueueDeclareOptions {
                passive: true,
                ..QueueDeclareOptions::default()
            };
            let name = format!("{queue}.dead").into();
            let asking = self
                .channel
                .queue_declare(name, options, FieldTable::default());
            given_up += asking.await?.message_count();
        }
        Ok(given_up)
    }

    /// Deletes the queues, with all that is in them.
    ///
    /// # Errors
    ///
    /// The broker does not answer.
    pub async fn delete_queues(&self) -> anyhow::Result<()> {
        for queue in QUEUES {
            let beside = BESIDE.map(|beside| format!("{queue}.{beside}"));
            for name in beside.into_iter().chain([queue.to_owned()]) {
                let options = QueueDeleteOptions::default();
                self.channel.queue_delete(name.into(), options).await?;
            }
        }
        Ok(())
    }
}

/// A refusal closes the channel, so each attempt has its own.
async fn take_turn(connection: &Connection) -> anyhow::Result<Option<Channel>> {
    let channel = connection.create_channel().await?;
    let options = QueueDeclareOptions {
        exclusive: true,
        ..QueueDeclareOptions::default()
    };
    let declaring = channel.queue_declare(TURN.into(), options, FieldTable::default());
    match declaring.await {
        Ok(_) => Ok(Some(channel)),
        Err(error) => match error.kind() {
            lapin::ErrorKind::ProtocolError(refusal) if refusal.get_id() == RESOURCE_LOCKED => {
                Ok(None)
            }
            _ => Err(error).context("the queues of the broker cannot be reserved"),
        },
    }
}
