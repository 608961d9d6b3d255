//! Works on the bookings that others send, in Python or not.

use std::num::NonZeroUsize;

use chrono::Utc;
use demo_dispo::shutdown::Shutdown;
use futures_util::{StreamExt as _, TryStreamExt as _};
use lapin::{
    message::Delivery,
    options::{BasicAckOptions, BasicRejectOptions},
};
use otel_runtime::{instrument::messaging::Message, span_attr, span_event};
use tokio::time::sleep;

use crate::{
    arguments::{Arguments, Route},
    booking::{ArgumentsError, Booking},
    broker::{Broker, BrokerError, answered},
    protocol::{Envelope, ReadError, Task},
};

/// How many messages are handled at once, those included that are not due yet.
const PREFETCH: u16 = 8;

/// Handles messages until `shutdown` is requested, or until `count` are done.
///
/// A message that fails is rejected and does not come again; one that is not due at the end does.
pub(crate) async fn work(
    broker: &Broker,
    arguments: &Arguments,
    count: Option<NonZeroUsize>,
    shutdown: &Shutdown,
) -> Result<(), BrokerError> {
    let count = count.map_or(usize::MAX, NonZeroUsize::get);
    let prefetch = u16::try_from(count).unwrap_or(PREFETCH).min(PREFETCH);
    let deliveries = broker.consume(&arguments.route, prefetch).await?;
    log::info!("waiting for messages in {}", arguments.route.queue);
    let mut taken = 0;
    deliveries
        .take_until(shutdown.requested())
        .take(count)
        .map_err(BrokerError::from)
        .inspect_ok(|_| taken += 1)
        .try_for_each_concurrent(usize::from(PREFETCH), |delivery| {
            settle(broker, arguments, delivery, shutdown)
        })
        .await?;
    if taken < count && !shutdown.is_requested() {
        return Err(BrokerError::Ended);
    }
    Ok(())
}

/// Handles a message when it is due, and tells the broker what became of it.
async fn settle(
    broker: &Broker,
    arguments: &Arguments,
    delivery: Delivery,
    shutdown: &Shutdown,
) -> Result<(), BrokerError> {
    let envelope = Envelope::read(&delivery.properties);
    let task = Task::read(&envelope, &delivery.properties, &delivery.data);
    if let Some(eta) = task.as_ref().ok().and_then(|task| task.eta) {
        let pause = (eta.to_utc() - Utc::now()).to_std().unwrap_or_default();
        tokio::select! {
            () = sleep(pause) => {}
            // Neither acknowledged nor rejected, it goes back to the queue.
            () = shutdown.requested() => return Ok(()),
        }
    }
    let name = envelope.task.as_deref().unwrap_or("a message");
    let id = envelope.id.as_deref().unwrap_or("without id");
    let handled = message(broker, arguments, &delivery, &envelope)
        .process(&envelope.headers, async {
            let outcome = handle(arguments, task);
            if let Err(error) = &outcome {
                log::warn!("{name} {id} is rejected: {error}");
            }
            outcome
        })
        .await;
    answered(async {
        match handled {
            Ok(()) => delivery.ack(BasicAckOptions::default()).await,
            Err(_) => delivery.reject(BasicRejectOptions::default()).await,
        }
    })
    .await?;
    Ok(())
}

/// What is known of a message before it is handled, for its span.
fn message(
    broker: &Broker,
    arguments: &Arguments,
    delivery: &Delivery,
    envelope: &Envelope,
) -> Message {
    let key = delivery.routing_key.as_str();
    let mut message = broker
        .message(destination(delivery, &arguments.route), key)
        .body_size(delivery.data.len())
        .delivery_count(envelope.retries.saturating_add(1));
    if let Some(id) = &envelope.id {
        message = message.id(id.clone());
    }
    if let Some(id) = &envelope.correlation_id {
        message = message.conversation_id(id.clone());
    }
    if let Some(task) = &envelope.task {
        message = message.attribute("celery.task_name", task.clone());
    }
    message
}

/// Exchange, routing key and queue, as the conventions have it. A message that is sent straight to a queue comes by an
/// exchange without a name, and by the queue's name as its key.
///
/// <https://opentelemetry.io/docs/specs/semconv/messaging/rabbitmq/>
fn destination(delivery: &Delivery, route: &Route) -> String {
    let (exchange, key) = (delivery.exchange.as_str(), delivery.routing_key.as_str());
    let queue = route.queue.as_str();
    let parts = [exchange, if key == queue { "" } else { key }, queue];
    let parts = parts.into_iter().filter(|part| !part.is_empty());
    parts.collect::<Vec<_>>().join(":")
}

fn handle(arguments: &Arguments, task: Result<Task, ReadError>) -> Result<(), WorkError> {
    let task = task?;
    if task.name != arguments.task {
        return Err(WorkError::UnknownTask(task.name));
    }
    if task.expires.is_some_and(|expires| expires <= Utc::now()) {
        return Err(WorkError::Expired);
    }
    let booking = Booking::from_arguments(&task.args, &task.kwargs)?;
    received(&booking, &booking.to_arguments().to_string());
    Ok(())
}

/// The helpers stand alone here: the current span is the one in which the message is processed.
#[span_attr("room" = booking.room)]
#[span_event("message.received", "payload" = payload)]
fn received(booking: &Booking, payload: &str) {
    log::info!(
        "{} is booked from {} to {}",
        booking.room,
        booking.period.start(),
        booking.period.end()
    );
}

/// Why a message was not handled.
#[derive(Debug, thiserror::Error)]
enum WorkError {
    #[error(transparent)]
    Read(#[from] ReadError),
    #[error("there is no task `{0}` here")]
    UnknownTask(String),
    #[error("the task has expired")]
    Expired,
    #[error(transparent)]
    Arguments(#[from] ArgumentsError),
}
