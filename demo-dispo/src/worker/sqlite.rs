//! Runs the tasks of a queue in a file, by apalis.

use std::{
    any::Any,
    convert::Infallible,
    future::pending,
    task::{Context, Poll},
    time::Duration,
};

use apalis::{
    layers::{
        WorkerBuilderExt,
        catch_panic::{CatchPanicLayer, PanicError},
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

use super::{
    DRAIN_TIMEOUT, OUTAGE_PAUSE, RESTART_PAUSE, Received, is_outage, outlast_outages, process,
    tell_waiting,
};
use crate::{
    queue::{
        MAX_ATTEMPTS, Payload,
        sqlite::{AsWritten, SYSTEM, SqliteQueue},
    },
    shutdown::Shutdown,
    tasks::TaskError,
};

/// How often the queue is looked at.
const POLL_INTERVAL: Duration = Duration::from_millis(50);

/// How often what is old is deleted; the first time at the start.
const FORGET_INTERVAL: Duration = Duration::from_hours(1);

/// The first and the longest pause before a failed task is tried again.
const RETRY_PAUSES: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(5));

/// As [`super::run`] says.
///
/// # Errors
///
/// The pauses between retries do not make sense, which is a mistake in this file.
pub(super) async fn run<H, F>(
    queue: &SqliteQueue,
    destination: &'static str,
    shutdown: &Shutdown,
    handle: H,
) -> Result<(), InvalidBackoff>
where
    H: Fn(Payload) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = Result<(), TaskError>> + Send + 'static,
{
    let backoff = retry_pauses()?;
    tell_waiting(destination);
    tokio::select! {
        () = run_until_requested(queue, destination, backoff, shutdown, handle) => Ok(()),
        never = forget_regularly(queue, destination) => match never {},
    }
}

/// Deletes what is old, now and then.
async fn forget_regularly(queue: &SqliteQueue, destination: &str) -> Infallible {
    let mut times = interval(FORGET_INTERVAL);
    loop {
        times.tick().await;
        if let Err(error) = queue.forget_old().await {
            log::warn!("what is old in the file of {destination} is deleted later: {error}");
        }
    }
}

async fn run_until_requested<H, F>(
    queue: &SqliteQueue,
    destination: &'static str,
    backoff: ExponentialBackoff<HasherRng>,
    shutdown: &Shutdown,
    handle: H,
) where
    H: Fn(Payload) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = Result<(), TaskError>> + Send + 'static,
{
    while !shutdown.is_requested() {
        let outcome = tokio::select! {
            outcome = run_once(queue, destination, backoff.clone(), shutdown.clone(), handle.clone()) => outcome,
            () = overdue(shutdown) => {
                log::warn!("tasks still ran after {DRAIN_TIMEOUT:?}; their messages will be delivered again");
                return;
            }
        };
        if let Err(error) = outcome {
            log::error!("the queue {destination} failed and is opened again: {error}");
            shutdown.unless_requested(sleep(RESTART_PAUSE)).await;
        }
    }
}

/// Each run has a name of its own: apalis refuses a name that was in use a moment ago.
async fn run_once<H, F>(
    queue: &SqliteQueue,
    destination: &'static str,
    backoff: ExponentialBackoff<HasherRng>,
    shutdown: Shutdown,
    handle: H,
) -> Result<(), WorkerError>
where
    H: Fn(Payload) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = Result<(), TaskError>> + Send + 'static,
{
    let ending = shutdown.clone();
    WorkerBuilder::new(format!("{destination}-{}", Ulid::generate()))
        .backend(
            queue
                .storage(destination)
                .with_codec(AsWritten)
                .poll_with_strategy(Ticks::every(POLL_INTERVAL)),
        )
        .retry(RetryPolicy::retries(MAX_ATTEMPTS - 1).with_backoff(backoff))
        .layer(CatchPanicLayer::with_panic_handler(panicked))
        .build(
            move |payload: Payload, headers: MetadataStore, id: TaskId, attempt: Attempt| {
                let (handle, shutdown) = (handle.clone(), shutdown.clone());
                async move {
                    let received = Received {
                        message: Message::new(SYSTEM, destination),
                        destination,
                        id: Some(id.to_string()),
                        payload,
                        attempt: attempt.current(),
                        redelivered: 0,
                    };
                    let attempt = || process(received.clone(), headers.as_map(), handle.clone());
                    let trying = outlast_outages(&shutdown, OUTAGE_PAUSE, is_outage, attempt);
                    let Some(outcome) = trying.await else {
                        // There is no way to give it back; the worker ends without it.
                        return pending().await;
                    };
                    outcome.map_err(|error| -> BoxDynError {
                        if error.is_final() {
                            AbortError::new(error).into()
                        } else {
                            error.into()
                        }
                    })
                }
            },
        )
        .run_until(async move {
            ending.requested().await;
            Ok::<(), WorkerError>(())
        })
        .await
}

/// A panic is a failure like others. As apalis brings it, it would be one that is not tried again.
fn panicked(_: &Box<dyn Any + Send>) -> PanicError {
    PanicError("the task panicked".to_owned())
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
