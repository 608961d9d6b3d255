//! Messages are stored together with what they tell of, and sent after that.
//!
//! The transaction that stores a booking stores its announcement too, so a crash loses both or neither. The request sends
//! the announcement as soon as it is stored; what it could not send, because the broker was down or the process was
//! killed, the relay sends later. A message may thus be sent twice, always with the same id.

use std::{
    collections::HashMap,
    time::{Duration, SystemTime},
};

use opentelemetry::{Context, global, trace::FutureExt as _};
use serde::Serialize;
use tokio::time::sleep;
use ulid::Ulid;

use crate::{
    domain::BookingCreated,
    queue::{Queue, SendError},
    shutdown::Shutdown,
    store::{Connection, Store, StoreError, outbox},
};

/// How old a message is before the relay takes it: until then, the request that stored it may be sending it.
const GRACE: Duration = Duration::from_secs(5);

/// The pause between two looks at what is left, and how long it grows while the queue refuses.
const PAUSES: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(8));

/// After so many refusals in a row the queue is taken to be down, and the others are left for the next time.
const REFUSALS: u32 = 5;

/// How many messages are taken at once.
const BATCH: i64 = 100;

/// A message for the queue `booking.created`, and the trace in which it was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutgoingMessage {
    /// The message's id, which begins with the time it was made.
    pub id: Ulid,
    /// The body.
    pub payload: String,
    /// The trace context, as propagators write it.
    pub headers: HashMap<String, String>,
}

impl OutgoingMessage {
    /// Makes a message in the current trace.
    ///
    /// # Errors
    ///
    /// The message cannot be written as JSON.
    pub fn new(message: &impl Serialize) -> serde_json::Result<Self> {
        let mut headers = HashMap::new();
        global::get_text_map_propagator(|propagator| propagator.inject(&mut headers));
        Ok(Self {
            id: Ulid::generate(),
            payload: serde_json::to_string(message)?,
            headers,
        })
    }
}

/// Sends a message that is stored, and forgets it then. When that fails, the relay will send it.
pub async fn send(store: &Store, queue: &Queue, message: OutgoingMessage) {
    let id = message.id;
    if let Err(error) = try_send(store, queue, message).await {
        log::warn!("the message {id} is sent later: {error}");
    }
}

/// Sends what the requests could not send, until `shutdown` is requested.
///
/// It does not wait then for a queue or a database that does not answer: a message stays stored until it is known to be sent,
/// and whoever relays next sends it, or sends it again.
pub async fn relay(store: &Store, queue: &Queue, shutdown: &Shutdown) {
    let relaying = Box::pin(relay_on(store, queue));
    shutdown.unless_requested(relaying).await;
}

async fn relay_on(store: &Store, queue: &Queue) {
    let (shortest, longest) = PAUSES;
    let mut pause = shortest;
    loop {
        sleep(pause).await;
        match send_left_over(store, queue, GRACE).await {
            Ok(sent) => {
                if sent > 0 {
                    log::info!("sent {sent} messages that were left over");
                }
                pause = shortest;
            }
            Err(error) => {
                if pause == shortest {
                    log::warn!("messages are left over, and are tried again: {error}");
                }
                pause = longest.min(pause * 2);
            }
        }
    }
}

/// Sends the messages that are at least as old as `grace`, the oldest first; returns how many.
///
/// One that is refused does not hold up the others, unless the queue refuses them all.
///
/// # Errors
///
/// A message that could not be sent; it is tried again the next time.
pub async fn send_left_over(
    store: &Store,
    queue: &Queue,
    grace: Duration,
) -> Result<usize, RelayError> {
    let mut sent = 0;
    let mut refused = None;
    let mut in_a_row = 0;
    let mut last = Ulid::nil();
    loop {
        let batch = left_over(store, last, grace).await?;
        if batch.is_empty() {
            return refused.map_or(Ok(sent), Err);
        }
        for message in batch {
            last = message.id;
            let trace =
                global::get_text_map_propagator(|propagator| propagator.extract(&message.headers));
            match try_send(store, queue, message).with_context(trace).await {
                Ok(()) => {
                    sent += 1;
                    in_a_row = 0;
                }
                Err(error) => {
                    in_a_row += 1;
                    if in_a_row == REFUSALS {
                        return Err(error);
                    }
                    refused = Some(error);
                }
            }
        }
    }
}

async fn try_send(
    store: &Store,
    queue: &Queue,
    message: OutgoingMessage,
) -> Result<(), RelayError> {
    let id = message.id;
    let payload = message.payload.into_bytes();
    queue.publish(BookingCreated::QUEUE, id, payload).await?;
    run(store, move |connection| outbox::delete(connection, id)).await
}

/// Looking makes no spans: most of the time there is nothing, in nobody's trace.
async fn left_over(
    store: &Store,
    after: Ulid,
    grace: Duration,
) -> Result<Vec<OutgoingMessage>, RelayError> {
    let newest = Ulid::from_datetime(SystemTime::now() - grace).timestamp_ms();
    let before = Ulid::from_parts(newest + 1, 0);
    run(store, move |connection| {
        outbox::oldest(connection, after, before, BATCH)
    })
    .with_context(Context::new().with_telemetry_suppressed())
    .await
}

async fn run<T: Send + 'static>(
    store: &Store,
    work: impl FnOnce(&mut Connection<'_>) -> diesel::QueryResult<T> + Send + 'static,
) -> Result<T, RelayError> {
    let store = store.clone();
    let working = otel_runtime::spawn_blocking(move || {
        store.run(|connection| work(connection).map_err(StoreError::from))
    });
    Ok(working.await??)
}

/// Why a message is still in the outbox.
#[derive(Debug, thiserror::Error)]
pub enum RelayError {
    /// The queue did not take it.
    #[error(transparent)]
    Send(#[from] SendError),
    /// The database could not be asked.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The work on the database was cut off.
    #[error("the work on the database was cut off: {0}")]
    CutOff(#[from] tokio::task::JoinError),
}
