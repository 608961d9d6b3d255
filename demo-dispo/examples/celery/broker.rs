//! The RabbitMQ broker, with what belongs to one route declared as Celery does it.

use std::time::Duration;

use lapin::{
    BasicProperties, Channel, Confirmation, Connection, ConnectionProperties, Consumer,
    ExchangeKind,
    options::{
        BasicConsumeOptions, BasicPublishOptions, BasicQosOptions, ConfirmSelectOptions,
        ExchangeDeclareOptions, QueueBindOptions, QueueDeclareOptions,
    },
    types::FieldTable,
    uri::AMQPUri,
};
use otel_runtime::instrument::messaging::Message;
use tokio::time::timeout;

use crate::arguments::Route;

/// How long the broker may take to answer.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(5);

/// A connection to a broker.
#[derive(Debug)]
pub(crate) struct Broker {
    host: String,
    port: u16,
    connection: Connection,
    /// It confirms what is published.
    channel: Channel,
}

impl Broker {
    pub(crate) async fn connect(url: &AMQPUri) -> Result<Self, BrokerError> {
        answered(async {
            let properties = ConnectionProperties::default().with_connection_name("celery".into());
            let connection = Connection::connect_uri(url.clone(), properties).await?;
            let channel = connection.create_channel().await?;
            channel
                .confirm_select(ConfirmSelectOptions::default())
                .await?;
            Ok(Self {
                host: url.authority.host.clone(),
                port: url.authority.port,
                connection,
                channel,
            })
        })
        .await
    }

    /// Declares exchange, queue and binding. Whoever comes first does it, so that no message is lost; all must do it
    /// alike, or the broker refuses.
    pub(crate) async fn declare(&self, route: &Route) -> Result<(), BrokerError> {
        let Route {
            exchange,
            routing_key,
            queue,
        } = route;
        let durable = ExchangeDeclareOptions {
            durable: true,
            ..ExchangeDeclareOptions::default()
        };
        let nothing = FieldTable::default;
        answered(async {
            self.channel
                .exchange_declare(exchange.clone(), ExchangeKind::Direct, durable, nothing())
                .await?;
            self.channel
                .queue_declare(queue.clone(), QueueDeclareOptions::durable(), nothing())
                .await?;
            self.channel
                .queue_bind(
                    queue.clone(),
                    exchange.clone(),
                    routing_key.clone(),
                    QueueBindOptions::default(),
                    nothing(),
                )
                .await
        })
        .await
    }

    /// A message on its way to `destination`, for its span.
    pub(crate) fn message(&self, destination: String, routing_key: &str) -> Message {
        Message::new("rabbitmq", destination)
            .attribute(
                "messaging.rabbitmq.destination.routing_key",
                routing_key.to_owned(),
            )
            .attribute("server.address", self.host.clone())
            .attribute("server.port", i64::from(self.port))
    }

    /// Publishes a message, and waits until a queue has it.
    pub(crate) async fn publish(
        &self,
        route: &Route,
        body: &[u8],
        properties: BasicProperties,
    ) -> Result<(), BrokerError> {
        let options = BasicPublishOptions {
            mandatory: true,
            ..BasicPublishOptions::default()
        };
        let (exchange, key) = (route.exchange.clone(), route.routing_key.clone());
        let confirmed = answered(async {
            self.channel
                .basic_publish(exchange, key, options, body, properties)
                .await?
                .await
        });
        match confirmed.await? {
            Confirmation::Ack(None) => Ok(()),
            Confirmation::Ack(Some(returned)) | Confirmation::Nack(Some(returned)) => {
                Err(BrokerError::Refused(returned.reply_text.to_string()))
            }
            Confirmation::Nack(None) | Confirmation::NotRequested => {
                Err(BrokerError::Refused("it was not confirmed".to_owned()))
            }
        }
    }

    /// The messages of a queue, so many at once.
    pub(crate) async fn consume(
        &self,
        route: &Route,
        prefetch: u16,
    ) -> Result<Consumer, BrokerError> {
        answered(async {
            self.channel
                .basic_qos(prefetch, BasicQosOptions::default())
                .await?;
            self.channel
                .basic_consume(
                    route.queue.clone(),
                    "".into(),
                    BasicConsumeOptions::default(),
                    FieldTable::default(),
                )
                .await
        })
        .await
    }

    pub(crate) async fn close(self) {
        if let Err(error) = answered(self.connection.close(200, "the example ends".into())).await {
            log::debug!("the connection to the broker did not end well: {error}");
        }
    }
}

/// Gives the broker its time.
pub(crate) async fn answered<T>(
    answer: impl Future<Output = lapin::Result<T>>,
) -> Result<T, BrokerError> {
    match timeout(ANSWER_TIMEOUT, answer).await {
        Ok(answer) => Ok(answer?),
        Err(_) => Err(BrokerError::NoAnswer),
    }
}

/// Why the broker did not do what it was asked for.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BrokerError {
    #[error("the broker failed: {0}")]
    Failed(#[from] lapin::Error),
    #[error("the broker did not answer within {ANSWER_TIMEOUT:?}")]
    NoAnswer,
    #[error("the broker refused: {0}")]
    Refused(String),
    #[error("the broker ended the consumer; was the queue deleted?")]
    Ended,
}
