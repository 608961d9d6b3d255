//! Runs the tasks of one queue until the process is to end.

use std::{
    task::{Context, Poll},
    time::Duration,
};

use apalis::{
    layers::{
        WorkerBuilderExt,
        retry::{
            HasherRng,
            backoff::{ExponentialBackoff, ExponentialBackoffMaker, InvalidBackoff, MakeBackoff},
        },
    },
    prelude::{
        AbortError, Attempt, BackendExt, BoxDynError, MetadataStore, PollSnapshot, PollStrategy,
        RetryPolicy, TaskId, WorkerBuilder, WorkerError,
    },
};
use otel_runtime::instrument::messaging::Message;
use tokio::time::{Interval, MissedTickBehavior, interval, sleep};
use ulid::Ulid;

use crate::{
    queue::{AsWritten, MAX_ATTEMPTS, Payload, Queue, SYSTEM},
    shutdown::Shutdown,
    tasks::TaskError,
};

/// How often the queue is looked at.
const POLL_INTERVAL: Duration = Duration::from_millis(50);

/// The first and the longest pause before a failed task is tried again.
const RETRY_PAUSES: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(5));

/// The pause before the queue is tried again after it failed as a whole.
const RESTART_PAUSE: Duration = Duration::from_secs(1);

/// How long the tasks under way may take once the process is to end.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(10);

/// Gives each message of the queue called `destination` to `handle`, until `shutdown` is requested.
///
/// A task that fails is tried again with growing pauses, five times in all; one that cannot succeed is given up at once.
/// When the queue itself fails, it is opened again after a second.
///
/// # Errors
///
/// The pauses between retries do not make sense, which is a mistake in this file.
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
    let backoff = retry_pauses()?;
    log::info!("waiting for messages in {destination}");
    while !shutdown.is_requested() {
        let outcome = tokio::select! {
            outcome = run_once(queue, destination, backoff.clone(), shutdown.clone(), handle.clone()) => outcome,
            () = overdue(shutdown) => {
                log::warn!("tasks still ran after {DRAIN_TIMEOUT:?}; their messages will be delivered again");
                return Ok(());
            }
        };
        if let Err(error) = outcome {
            log::error!("the queue {destination} failed and is opened again: {error}");
            tokio::select! {
                () = sleep(RESTART_PAUSE) => {}
                () = shutdown.requested() => {}
            }
        }
    }
    Ok(())
}

/// Each run has a name of its own: apalis refuses a name that was in use a moment ago.
async fn run_once<H, F>(
    queue: &Queue,
    destination: &'static str,
    backoff: ExponentialBackoff<HasherRng>,
    shutdown: Shutdown,
    handle: H,
) -> Result<(), WorkerError>
where
    H: Fn(Payload) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = Result<(), TaskError>> + Send + 'static,
{
    WorkerBuilder::new(format!("{destination}-{}", Ulid::generate()))
        .backend(
            queue
                .storage(destination)
                .with_codec(AsWritten)
                .poll_with_strategy(Ticks::every(POLL_INTERVAL)),
        )
        .retry(RetryPolicy::retries(MAX_ATTEMPTS - 1).with_backoff(backoff))
        .catch_panic()
        .build(
            move |payload: Payload, headers: MetadataStore, id: TaskId, attempt: Attempt| {
                let handle = handle.clone();
                async move { process(destination, payload, &headers, &id, &attempt, handle).await }
            },
        )
        .run_until(async move {
            shutdown.requested().await;
            Ok::<(), WorkerError>(())
        })
        .await
}

async fn process<H, F>(
    destination: &'static str,
    payload: Payload,
    headers: &MetadataStore,
    id: &TaskId,
    attempt: &Attempt,
    handle: H,
) -> Result<(), BoxDynError>
where
    H: Fn(Payload) -> F,
    F: Future<Output = Result<(), TaskError>>,
{
    Message::new(SYSTEM, destination)
        .id(id.to_string())
        .body_size(payload.len())
        .delivery_count(attempt.current())
        .process(headers.as_map(), async {
            let outcome = handle(payload).await;
            if let Err(error) = &outcome {
                log::warn!(
                    "{destination} {id}, attempt {} of {MAX_ATTEMPTS}: {error}",
                    attempt.current()
                );
            }
            outcome
        })
        .await
        .map_err(|error| {
            if error.is_final() {
                AbortError::new(error).into()
            } else {
                error.into()
            }
        })
}

async fn overdue(shutdown: &Shutdown) {
    shutdown.requested().await;
    sleep(DRAIN_TIMEOUT).await;
}

fn retry_pauses() -> Result<ExponentialBackoff<HasherRng>, InvalidBackoff> {
    let (first, longest) = RETRY_PAUSES;
    Ok(ExponentialBackoffMaker::new(first, longest, 0.5, HasherRng::new())?.make_backoff())
}

/// Wakes the worker at regular times.
///
/// The interval that apalis brings forgets its waker when a look at the queue takes longer than the interval; the worker
/// then sleeps until the next heartbeat.
struct Ticks(Interval);

impl Ticks {
    fn every(period: Duration) -> Self {
        let mut interval = interval(period);
        interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self(interval)
    }
}

impl PollStrategy for Ticks {
    fn poll_drive(&mut self, context: &mut Context<'_>, _: &PollSnapshot) -> Poll<Option<()>> {
        // Only a pending tick has taken the waker.
        while self.0.poll_tick(context).is_ready() {}
        Poll::Pending
    }
}
