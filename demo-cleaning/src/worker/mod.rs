//! Runs the tasks of one queue until the process is to end.

mod rabbitmq;
mod sqlite;

use std::{
    panic::{AssertUnwindSafe, resume_unwind},
    time::Duration,
};

use apalis::layers::retry::backoff::InvalidBackoff;
use futures_util::FutureExt as _;
use otel_runtime::{event, instrument::messaging::Message};

use crate::{
    queue::{Headers, MAX_ATTEMPTS, Payload, Queue, sent_at},
    shutdown::Shutdown,
    tasks::TaskError,
};

/// The pause before the queue is tried again after it failed as a whole.
const RESTART_PAUSE: Duration = Duration::from_secs(1);

/// How long the tasks under way may take once the process is to end.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(4);

/// Gives each message of the queue called `destination` to `handle`, until `shutdown` is requested.
///
/// A task that fails is tried again with growing pauses, five times in all; one that cannot succeed is given up at once.
/// When the queue itself fails, it is opened again after a second. A message may come twice, if a worker ends without
/// having said that it is done.
///
/// # Errors
///
/// The pauses between retries do not make sense, which is a mistake in this service.
pub async fn run<H, F>(
    queue: &Queue,
    destination: &'static str,
    shutdown: &Shutdown,
    handle: H,
) -> Result<(), InvalidBackoff>
where
    H: Fn(Payload) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = Result<(), TaskError>> + Send + 'static,
{
    match queue {
        Queue::Sqlite(file) => sqlite::run(file, destination, shutdown, handle).await,
        Queue::RabbitMq(_) => {
            rabbitmq::run(queue, destination, shutdown, handle).await;
            Ok(())
        }
    }
}

/// Says that messages are taken from now on.
fn tell_waiting(destination: &str) {
    log::info!("waiting for messages in {destination}");
}

/// A message that was delivered.
struct Received {
    message: Message,
    destination: &'static str,
    /// Messages of others may have none.
    id: Option<String>,
    payload: Payload,
    /// From 1.
    attempt: usize,
    /// How often it was delivered before without an attempt that came to an end, as far as the queue tells.
    redelivered: usize,
}

/// Whether a message is not tried again after an attempt that failed.
fn is_given_up(is_final: bool, attempt: usize) -> bool {
    is_final || attempt >= MAX_ATTEMPTS
}

/// Handles a message within its span.
async fn process<H, F>(received: Received, headers: &Headers, handle: H) -> Result<(), TaskError>
where
    H: Fn(Payload) -> F,
    F: Future<Output = Result<(), TaskError>>,
{
    let Received {
        mut message,
        destination,
        id,
        payload,
        attempt,
        redelivered,
    } = received;
    if let Some(id) = &id {
        message = message.id(id.clone());
    }
    if let Some(time) = sent_at(headers) {
        message = message.sent_at(time);
    }
    let id = id.unwrap_or_else(|| "without an id".to_owned());
    message
        .body_size(payload.len())
        .delivery_count(attempt + redelivered)
        .process(headers, async {
            let outcome = AssertUnwindSafe(async { handle(payload).await });
            let outcome = outcome.catch_unwind().await;
            let failure = match &outcome {
                Ok(Ok(())) => None,
                Ok(Err(error)) => Some((error.is_final(), error.to_string())),
                Err(_) => Some((false, "the task panicked".to_owned())),
            };
            if let Some((is_final, reason)) = failure {
                log::warn!("{destination} {id}, attempt {attempt} of {MAX_ATTEMPTS}: {reason}");
                if is_given_up(is_final, attempt) {
                    event!("message.given_up");
                }
            }
            // What tells the panic to the span, and then to the queue, sees it too.
            outcome.unwrap_or_else(|panic| resume_unwind(panic))
        })
        .await
}
