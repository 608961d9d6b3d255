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
use tokio::time::sleep;

use crate::{
    queue::{Headers, MAX_ATTEMPTS, Payload, Queue, sent_at},
    shutdown::Shutdown,
    tasks::TaskError,
};

/// The pause before the queue is tried again after it failed as a whole.
const RESTART_PAUSE: Duration = Duration::from_secs(1);

/// How long the tasks under way may take once the process is to end.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(4);

/// The pause before a task is tried again that failed by an outage.
const OUTAGE_PAUSE: Duration = Duration::from_secs(5);

/// Gives each message of the queue called `destination` to `handle`, until `shutdown` is requested.
///
/// A task that fails is tried again with growing pauses, five times in all; one that cannot succeed is given up at once.
/// A failure that is an outage ([`TaskError::is_outage`]) does not count: the message stays with this worker, which tries it
/// every five seconds until the outage is over, or gives it back when `shutdown` is requested. When the queue itself fails, it
/// is opened again after a second. A message may come twice, if a worker ends without having said that it is done.
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
#[derive(Clone)]
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

/// Makes attempts as long as they fail by an outage.
///
/// `None` when the process is to end before the outage does: then the message is nobody's, and is to be delivered again.
async fn outlast_outages<T, F>(
    shutdown: &Shutdown,
    pause: Duration,
    is_outage: impl Fn(&T) -> bool,
    attempt: impl Fn() -> F,
) -> Option<T>
where
    F: Future<Output = T>,
{
    loop {
        let outcome = attempt().await;
        if !is_outage(&outcome) {
            return Some(outcome);
        }
        shutdown.unless_requested(sleep(pause)).await?;
    }
}

fn is_outage(outcome: &Result<(), TaskError>) -> bool {
    outcome.as_ref().is_err_and(TaskError::is_outage)
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
                Ok(Err(error)) if error.is_outage() => {
                    log::warn!("{destination} {id} is tried again after the outage: {error}");
                    None
                }
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

#[cfg(test)]
mod tests {
    use std::{cell::Cell, future::ready};

    use super::*;
    use crate::store::StoreError;

    const PAUSE: Duration = Duration::from_millis(1);

    fn outage() -> TaskError {
        StoreError::from(diesel::result::Error::BrokenTransactionManager).into()
    }

    fn refused() -> TaskError {
        StoreError::from(diesel::result::Error::NotFound).into()
    }

    /// What becomes of a message whose nth try gives what `answer` says, and how often it was tried.
    async fn tried(
        shutdown: &Shutdown,
        answer: impl Fn(usize) -> Result<(), TaskError>,
    ) -> (Option<Result<(), TaskError>>, usize) {
        let tries = Cell::new(0);
        let attempt = || {
            tries.set(tries.get() + 1);
            ready(answer(tries.get()))
        };
        let outcome = outlast_outages(shutdown, PAUSE, is_outage, attempt).await;
        (outcome, tries.get())
    }

    #[tokio::test]
    async fn an_outage_uses_up_no_attempts() {
        let longer = MAX_ATTEMPTS + 2;
        let answer = |nth| if nth < longer { Err(outage()) } else { Ok(()) };
        let (outcome, tries) = tried(&Shutdown::new(), answer).await;
        outcome.unwrap().unwrap();
        assert_eq!(tries, longer);
    }

    #[tokio::test]
    async fn what_fails_otherwise_is_left_to_the_queue() {
        let answer = |nth| Err(if nth < 3 { outage() } else { refused() });
        let (outcome, tries) = tried(&Shutdown::new(), answer).await;
        assert!(!outcome.unwrap().unwrap_err().is_outage());
        assert_eq!(tries, 3);
    }

    #[tokio::test]
    async fn an_outage_does_not_hold_up_the_end() {
        let shutdown = Shutdown::new();
        shutdown.request();
        let (outcome, tries) = tried(&shutdown, |_| Err(outage())).await;
        assert!(outcome.is_none());
        assert_eq!(tries, 1);
    }
}
