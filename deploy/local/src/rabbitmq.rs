//! The queues of the services on a RabbitMQ broker, for one user at a time.

use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use lapin::{
    Channel, Connection, ConnectionProperties, Queue,
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

/// Who was ended a moment ago may still be leaving.
const LEAVE_TIMEOUT: Duration = Duration::from_secs(5);

/// The broker answers so that there is no such queue.
const NOT_FOUND: u16 = 404;

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
    /// Messages in them are lost on the broker that `TEST_AMQP_URL` names, which is there for that: a test that failed may have
    /// left some.
    ///
    /// # Errors
    ///
    /// The broker does not answer, another keeps the queues for longer, somebody takes messages from them without having
    /// reserved them, or they hold some on another broker.
    pub async fn reserve(url: &str) -> anyhow::Result<Self> {
        let is_for_tests = std::env::var("TEST_AMQP_URL").is_ok_and(|for_tests| for_tests == url);
        Self::reserve_unless_used(url, is_for_tests).await
    }

    async fn reserve_unless_used(url: &str, is_for_tests: bool) -> anyhow::Result<Self> {
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
        broker.refuse_if_used(is_for_tests).await?;
        broker.delete_queues().await?;
        Ok(broker)
    }

    /// Fails if somebody takes messages from one of the queues, or put some there which must not be lost.
    async fn refuse_if_used(&self, is_for_tests: bool) -> anyhow::Result<()> {
        let give_up = Instant::now() + LEAVE_TIMEOUT;
        loop {
            let uses = self.uses(is_for_tests).await?;
            if uses.is_empty() {
                return Ok(());
            }
            if Instant::now() > give_up {
                bail!(
                    "the queues of the services would be deleted, and are in use: {}\n\
                     Name another broker; or stop who takes messages from them, and delete those that hold some, \
                     if nobody needs them: rabbitmqctl delete_queue <name>",
                    uses.join(", ")
                );
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    /// How others use the queues.
    async fn uses(&self, is_for_tests: bool) -> anyhow::Result<Vec<String>> {
        let mut uses = Vec::new();
        for name in names() {
            let Some(queue) = self.look(&name).await? else {
                continue;
            };
            let messages = queue.message_count();
            if queue.consumer_count() > 0 {
                uses.push(format!("somebody takes messages from {name}"));
            }
            if messages > 0 && !is_for_tests {
                uses.push(format!("{name} holds messages ({messages})"));
            }
        }
        Ok(uses)
    }

    /// The queue of this name, if there is one. A refusal closes the channel, so each look has its own.
    async fn look(&self, name: &str) -> anyhow::Result<Option<Queue>> {
        let channel = self.connection.create_channel().await?;
        let options = QueueDeclareOptions {
            passive: true,
            ..QueueDeclareOptions::default()
        };
        let asking = channel.queue_declare(name.into(), options, FieldTable::default());
        match asking.await {
            Ok(queue) => {
                channel.close(200, "seen".into()).await?;
                Ok(Some(queue))
            }
            Err(error) if is_refusal(&error, NOT_FOUND) => Ok(None),
            Err(error) => Err(error).with_context(|| format!("the queue {name} cannot be seen")),
        }
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
            let name = format!("{queue}.dead");
            let dead = self.look(&name).await?;
            given_up += dead.context("there are no queues yet")?.message_count();
        }
        Ok(given_up)
    }

    /// Deletes the queues, with all that is in them.
    ///
    /// # Errors
    ///
    /// The broker does not answer.
    pub async fn delete_queues(&self) -> anyhow::Result<()> {
        for name in names() {
            let options = QueueDeleteOptions::default();
            self.channel.queue_delete(name.into(), options).await?;
        }
        Ok(())
    }
}

/// All queues of the services. Those beside come first: they hand on to the others.
fn names() -> impl Iterator<Item = String> {
    QUEUES.into_iter().flat_map(|queue| {
        let beside = BESIDE.map(|beside| format!("{queue}.{beside}"));
        beside.into_iter().chain([queue.to_owned()])
    })
}

fn is_refusal(error: &lapin::Error, code: u16) -> bool {
    matches!(error.kind(), lapin::ErrorKind::ProtocolError(refusal) if refusal.get_id() == code)
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
        Err(error) if is_refusal(&error, RESOURCE_LOCKED) => Ok(None),
        Err(error) => Err(error).context("the queues of the broker cannot be reserved"),
    }
}

#[cfg(test)]
mod tests {
    use std::io::{self, Write as _};

    use lapin::{
        BasicProperties,
        options::{BasicCancelOptions, BasicConsumeOptions, BasicPublishOptions},
    };

    use super::*;

    /// On the broker that `TEST_AMQP_URL` names, where its queues are reserved meanwhile.
    #[tokio::test]
    async fn queues_that_others_use_are_left_alone() {
        const NAME: &str = QUEUES[0];
        let url = std::env::var("TEST_AMQP_URL").ok();
        let Some(url) = url.filter(|url| !url.is_empty()) else {
            // Past what the test harness captures.
            let skipped = "skipped: TEST_AMQP_URL names no broker";
            writeln!(io::stderr(), "{skipped}").unwrap();
            return;
        };
        let broker = ReservedBroker::reserve(&url).await.unwrap();
        let channel = &broker.channel;
        let options = QueueDeclareOptions::durable();
        let declaring = channel.queue_declare(NAME.into(), options, FieldTable::default());
        declaring.await.unwrap();
        broker.refuse_if_used(false).await.unwrap();

        let consuming = channel.basic_consume(
            NAME.into(),
            "".into(),
            BasicConsumeOptions::default(),
            FieldTable::default(),
        );
        let consumer = consuming.await.unwrap();
        assert_eq!(
            broker.uses(true).await.unwrap(),
            ["somebody takes messages from booking.created"]
        );
        let cancelling = channel.basic_cancel(consumer.tag(), BasicCancelOptions::default());
        cancelling.await.unwrap();

        let (options, properties) = (BasicPublishOptions::default(), BasicProperties::default());
        let publishing = channel.basic_publish("".into(), NAME.into(), options, b"{}", properties);
        publishing.await.unwrap().await.unwrap();
        // As after a test that failed.
        broker.refuse_if_used(true).await.unwrap();
        // As after the services ran by themselves.
        let error = broker.refuse_if_used(false).await.unwrap_err().to_string();
        assert!(
            error.contains("booking.created holds messages (1)"),
            "{error}"
        );
        assert!(error.contains("rabbitmqctl delete_queue <name>"), "{error}");
        broker.release().await.unwrap();
    }
}
