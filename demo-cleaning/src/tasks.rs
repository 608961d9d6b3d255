//! What the worker does with a message.

use otel_runtime::{span_attr, span_event, traced_span};

use crate::{
    domain::{BookingCreated, Cleaning, CleaningDraft, CleaningPlanned},
    queue::{Queue, SendError},
    store::{Connection, Store, StoreError, cleanings},
};

/// Plans the cleaning after a booking and says so. Doing it twice makes one cleaning.
///
/// # Errors
///
/// The message cannot be read, the database refuses, or the answer cannot be sent.
pub async fn booking_created(
    store: Store,
    queue: Queue,
    payload: Vec<u8>,
) -> Result<(), TaskError> {
    let booking = serde_json::from_slice(&payload)?;
    received(&booking, &String::from_utf8_lossy(&payload));
    let work = move |connection: &mut Connection<'_>| plan(connection, &booking);
    let cleaning = otel_runtime::spawn_blocking(move || store.run(work)).await??;
    queue
        .send(CleaningPlanned::QUEUE, &CleaningPlanned::from(cleaning))
        .await?;
    Ok(())
}

/// The helpers stand alone here: the current span is the one in which the message is processed.
#[span_attr("room" = booking.room)]
#[span_event("message.received", "payload" = payload)]
fn received(booking: &BookingCreated, payload: &str) {
    log::info!(
        "booking {} of {} until {}",
        booking.id,
        booking.room,
        booking.end
    );
}

#[traced_span("cleaning.plan")]
#[span_attr("booking.id" = booking.id, "cleaning.id" = |cleaning| cleaning.id)]
fn plan(connection: &mut Connection<'_>, booking: &BookingCreated) -> Result<Cleaning, StoreError> {
    let draft = CleaningDraft::after(booking);
    Ok(cleanings::insert(connection, &draft)?)
}

/// Why a task failed.
#[derive(Debug, thiserror::Error)]
pub enum TaskError {
    /// The message is not what was agreed on.
    #[error("the message cannot be read: {0}")]
    Unreadable(#[from] serde_json::Error),
    /// The database could not be asked.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The answer was not sent.
    #[error("the answer was not sent: {0}")]
    Send(#[from] SendError),
    /// The work on the database was cut off.
    #[error("the work was cut off: {0}")]
    CutOff(#[from] tokio::task::JoinError),
}

impl TaskError {
    /// Whether trying again cannot help.
    #[must_use]
    pub fn is_final(&self) -> bool {
        matches!(self, Self::Unreadable(_))
    }

    /// Whether nothing is wrong with the message, and the task succeeds once the database or the queue is back.
    #[must_use]
    pub fn is_outage(&self) -> bool {
        match self {
            Self::Store(error) => error.is_outage(),
            Self::Send(error) => error.is_outage(),
            Self::Unreadable(_) | Self::CutOff(_) => false,
        }
    }
}
