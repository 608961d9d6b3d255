//! A queue that one test has for itself, on a real broker chosen by `TEST_AMQP_URL`.

use std::{env, sync::Once};

use demo_cleaning::queue::{Queue, QueueAddress};
use lapin::{
    BasicProperties, Channel, Connection, ConnectionProperties,
    options::{BasicGetOptions, BasicPublishOptions, QueueDeleteOptions},
};
use ulid::Ulid;

use crate::database::tell;

pub(crate) struct TestBroker {
    pub(crate) queue: Queue,
    /// The name of the queue.
    pub(crate) name: &'static str,
    url: String,
}

impl TestBroker {
    /// `None`, and said so, when there is no broker.
    pub(crate) async fn from_env() -> Option<Self> {
        static TOLD: Once = Once::new();
        let url = env::var("TEST_AMQP_URL").ok();
        let Some(url) = url.filter(|url| !url.is_empty()) else {
            TOLD.call_once(|| tell("TEST_AMQP_URL is not set: tests on RabbitMQ are skipped"));
            return None;
        };
        let address = QueueAddress::parse(&url).unwrap();
        Some(Self {
            queue: Queue::open(&address).await.unwrap(),
            name: format!("test.{}", Ulid::generate()).leak(),
            url,
        })
    }

    /// Takes the headers off the first message, as if somebody had sent it who knows nothing of traces.
    pub(crate) async fn strip(&self) {
        let channel = self.channel().await;
        let taking = channel.basic_get(self.name.into(), BasicGetOptions { no_ack: true });
        let taken = taking.await.unwrap().unwrap().delivery;
        let id = taken.properties.message_id().clone().unwrap();
        let properties = BasicProperties::default().with_message_id(id);
        let options = BasicPublishOptions::default();
        let name = self.name.into();
        let publishing = channel.basic_publish("".into(), name, options, &taken.data, properties);
        publishing.await.unwrap().await.unwrap();
    }

    /// Removes what belongs to the queue.
    pub(crate) async fn remove(self) {
        let channel = self.channel().await;
        let others = (1..=4).map(|n| format!("{}.retry.{n}", self.name));
        for name in others.chain([format!("{}.dead", self.name), self.name.to_owned()]) {
            let deleting = channel.queue_delete(name.into(), QueueDeleteOptions::default());
            deleting.await.unwrap();
        }
        self.queue.close().await;
    }

    async fn channel(&self) -> Channel {
        let connecting = Connection::connect(&self.url, ConnectionProperties::default());
        connecting.await.unwrap().create_channel().await.unwrap()
    }
}
