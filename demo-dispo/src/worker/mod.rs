//! Runs the tasks of one queue until the process is to end.

mod rabbitmq;
mod sqlite;

use std::{collections::HashMap, time::Duration};

use apalis::layers::retry::backoff::InvalidBackoff;
use otel_runtime::instrument::messaging::Message;

use crate::{
    queue::{MAX_ATTEMPTS, Payload, Queue},
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
    id: String,
    payload: Payload,
    /// From 1.
    attempt: usize,
}

/// Handles a message within its span.
async fn process<H, F>(
    received: Received,
    headers: &HashMap<String, String>,
    handle: H,
) -> Result<(), TaskError>
where
    H: Fn(Payload) -> F,
    F: Future<Output = Result<(), TaskError>>,
{
    let Received {
        message,
        destination,
        id,
        payload,
        attempt,
    } = received;
    message
        .id(id.clone())
        .body_size(payload.len())
        .delivery_count(attempt)
        .process(headers, async {
            let outcome = handle(payload).await;
            if let Err(error) = &outcome {
                log::warn!("{destination} {id}, attempt {attempt} of {MAX_ATTEMPTS}: {error}");
            }
            outcome
        })
        .await
}
