//! Runs the tasks of a queue of a RabbitMQ broker.
//!
//! A message is acknowledged when it is done, or when the broker has confirmed that it waits for its next attempt or lies
//! among those that were given up. So none is lost when a worker is killed; it comes again instead.
//!
//! Sending a message on, to its next attempt or to those that were given up, has a span below that of the attempt that
//! failed. Whoever receives it continues from there, with a link to where the message was sent first.

use std::sync::{Arc, Mutex, PoisonError};

use futures_util::StreamExt as _;
use lapin::{
    BasicProperties, Channel, Consumer,
    message::Delivery,
    options::{BasicAckOptions, BasicCancelOptions, BasicConsumeOptions, BasicQosOptions},
    types::{AMQPValue, FieldTable},
};
use opentelemetry::{Context, trace::FutureExt as _};
use otel_runtime::instrument::messaging::{Message, keep_origin};
use tokio::{
    task::{JoinError, JoinSet},
    time::{sleep, timeout},
};

use super::{
    DRAIN_TIMEOUT, OUTAGE_PAUSE, RESTART_PAUSE, Received, is_given_up, is_outage, outlast_outages,
    process, tell_waiting,
};
use crate::{
    queue::{
        Headers, MAX_ATTEMPTS, Payload, Queue,
        rabbitmq::{PublishError, Publisher, RabbitMqQueue, answered, dead, publish, retry, table},
        stamped,
    },
    shutdown::Shutdown,
    tasks::TaskError,
};

/// How many messages are handled at once.
const PREFETCH: u16 = 8;

/// The header that counts the attempts; absent at the first. What others write there and is no such number is taken for the
/// first.
const ATTEMPT: &str = "x-attempt";

/// The header in which a quorum queue counts the deliveries before this one.
const REDELIVERED: &str = "x-delivery-count";

/// The header that says why a message was given up.
const GIVEN_UP: &str = "x-given-up";

/// As [`super::run`] says.
pub(super) async fn run<H, F>(
    queue: &Queue,
    destination: &'static str,
    shutdown: &Shutdown,
    handle: H,
) where
    H: Fn(Payload) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = Result<(), TaskError>> + Send + 'static,
{
    let Queue::RabbitMq(broker) = queue else {
        return;
    };
    while !shutdown.is_requested() {
        if let Err(error) = consume(queue, broker, destination, shutdown, &handle).await {
            let url = broker.url();
            log::error!(
                "the queue {destination} at {url} (QUEUE_URL) failed and is opened again: {error}"
            );
            shutdown.unless_requested(sleep(RESTART_PAUSE)).await;
        }
    }
}

async fn consume<H, F>(
    queue: &Queue,
    broker: &RabbitMqQueue,
    destination: &'static str,
    shutdown: &Shutdown,
    handle: &H,
) -> Result<(), PublishError>
where
    H: Fn(Payload) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = Result<(), TaskError>> + Send + 'static,
{
    let starting = shutdown.unless_requested(start(broker, destination));
    let Some((connection, mut deliveries)) = starting.await.transpose()? else {
        return Ok(());
    };
    let channel = connection.channel.clone();
    tell_waiting(destination);
    let mut tasks = JoinSet::new();
    loop {
        tokio::select! {
            delivery = deliveries.next() => match delivery {
                Some(delivery) => {
                    let message = queue.message(destination);
                    let delivered = Delivered::new(delivery?, message, destination);
                    let shutdown = shutdown.clone();
                    let settling =
                        settle(queue.clone(), channel.clone(), delivered, shutdown, handle.clone());
                    tasks.spawn(settling);
                }
                None => return Err(PublishError::Refused("the consumer was cancelled".to_owned())),
            },
            Some(settled) = tasks.join_next() => {
                // A panic of a handler has been dealt with; one of ours lets the broker deliver again.
                if let Ok(settled) = settled {
                    settled?;
                }
            }
            () = shutdown.requested() => break,
        }
    }
    let cancelling = channel.basic_cancel(destination.into(), BasicCancelOptions::default());
    if let Err(error) = answered(cancelling).await {
        log::debug!("the consumer of {destination} did not end well: {error}");
    }
    let drained = timeout(DRAIN_TIMEOUT, async {
        while tasks.join_next().await.is_some() {}
    });
    if drained.await.is_err() {
        log::warn!(
            "tasks still ran after {DRAIN_TIMEOUT:?}; their messages will be delivered again"
        );
    }
    connection.close().await;
    Ok(())
}

/// A connection, and what is delivered on it.
async fn start(
    broker: &RabbitMqQueue,
    destination: &'static str,
) -> Result<(Publisher, Consumer), PublishError> {
    let mut connection = broker.connect().await?;
    connection.declare(destination).await?;
    let channel = &connection.channel;
    answered(channel.basic_qos(PREFETCH, BasicQosOptions::default())).await?;
    let consuming = channel.basic_consume(
        destination.into(),
        destination.into(),
        BasicConsumeOptions::default(),
        FieldTable::default(),
    );
    let deliveries = answered(consuming).await?;
    Ok((connection, deliveries))
}

/// A delivery, taken apart.
struct Delivered {
    received: Received,
    delivery: Delivery,
    headers: Headers,
}

impl Delivered {
    fn new(mut delivery: Delivery, message: Message, destination: &'static str) -> Self {
        let given = delivery.properties.headers().as_ref();
        let headers = strings(given);
        let attempt = headers
            .get(ATTEMPT)
            .and_then(|attempt| attempt.parse().ok())
            .filter(|attempt| (1..=MAX_ATTEMPTS).contains(attempt));
        let redelivered = match given.and_then(|given| given.inner().get(REDELIVERED)) {
            Some(AMQPValue::LongLongInt(count)) => usize::try_from(*count).unwrap_or_default(),
            _ => 0,
        };
        let id = delivery.properties.message_id().as_ref();
        let id = id.map(ToString::to_string);
        Self {
            received: Received {
                message,
                destination,
                id,
                payload: std::mem::take(&mut delivery.data),
                attempt: attempt.unwrap_or(1),
                redelivered,
            },
            delivery,
            headers,
        }
    }
}

/// Handles a message, and tells the broker what became of it.
async fn settle<H, F>(
    queue: Queue,
    channel: Channel,
    delivered: Delivered,
    shutdown: Shutdown,
    handle: H,
) -> Result<(), PublishError>
where
    H: Fn(Payload) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = Result<(), TaskError>> + Send + 'static,
{
    let Delivered {
        received,
        delivery,
        headers,
    } = delivered;
    let (destination, attempt) = (received.destination, received.attempt);
    let next = Next {
        id: received.id.clone(),
        payload: received.payload.clone(),
        headers: headers.clone(),
    };
    // Of the last try, if there are several.
    let span = Arc::new(Mutex::new(Context::new()));
    let within = Arc::clone(&span);
    let handle = move |payload| {
        *within.lock().unwrap_or_else(PoisonError::into_inner) = Context::current();
        handle(payload)
    };
    // A task of its own, so that a panic ends that and not the worker.
    let once = || {
        let (received, headers, handle) = (received.clone(), headers.clone(), handle.clone());
        tokio::spawn(async move { process(received, &headers, handle).await })
    };
    let is_outage = |outcome: &Result<_, JoinError>| outcome.as_ref().is_ok_and(is_outage);
    let trying = outlast_outages(&shutdown, OUTAGE_PAUSE, is_outage, once);
    let Some(outcome) = trying.await else {
        // What is not acknowledged is delivered again.
        return Ok(());
    };
    let failure = match outcome {
        Ok(Ok(())) => None,
        Ok(Err(error)) => Some((error.is_final(), error.to_string())),
        Err(panic) => Some((false, panic.to_string())),
    };
    if let Some((is_final, reason)) = failure {
        let (goes_to, header, value) = if is_given_up(is_final, attempt) {
            (dead(destination), GIVEN_UP, reason)
        } else {
            let next_attempt = (attempt + 1).to_string();
            (retry(destination, attempt), ATTEMPT, next_attempt)
        };
        let span = span.lock().unwrap_or_else(PoisonError::into_inner).clone();
        next.with_header(header, value)
            .send(&queue, &channel, goes_to)
            .with_context(span)
            .await?;
    }
    delivery.ack(BasicAckOptions::default()).await?;
    Ok(())
}

/// A message that is sent on.
struct Next {
    id: Option<String>,
    payload: Payload,
    headers: Headers,
}

impl Next {
    fn with_header(mut self, name: &str, value: String) -> Self {
        self.headers.insert(name.to_owned(), value);
        self
    }

    async fn send(
        self,
        queue: &Queue,
        channel: &Channel,
        destination: String,
    ) -> Result<(), PublishError> {
        let Self {
            id,
            payload,
            headers: received,
        } = self;
        let mut headers = stamped(received.clone());
        keep_origin(&received, &mut headers);
        let mut message = queue.message(destination.clone()).body_size(payload.len());
        let mut properties = BasicProperties::default();
        if let Some(id) = id {
            properties = properties.with_message_id(id.as_str().into());
            message = message.id(id);
        }
        message
            .send(headers, |headers| async move {
                let properties = properties.with_headers(table(&headers));
                publish(channel, &destination, &payload, properties).await
            })
            .await
    }
}

/// The headers that are text.
fn strings(headers: Option<&FieldTable>) -> Headers {
    let headers = headers.into_iter().flat_map(FieldTable::inner);
    let strings = headers.filter_map(|(name, value)| {
        let value = match value {
            AMQPValue::LongString(value) => value.to_string(),
            AMQPValue::ShortString(value) => value.to_string(),
            _ => return None,
        };
        Some((name.to_string(), value))
    });
    strings.collect()
}
