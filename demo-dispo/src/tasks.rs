//! What the worker does with a message.

use otel_runtime::span_attr;

use crate::{
    domain::CleaningPlanned,
    store::{Connection, Store, StoreError, bookings},
};

/// Marks the booking as having its cleaning planned. Doing it twice changes nothing.
///
/// # Errors
///
/// The message cannot be read, names no booking of ours, or the database refuses.
pub async fn cleaning_planned(store: Store, payload: Vec<u8>) -> Result<(), TaskError> {
    let message: CleaningPlanned = serde_json::from_slice(&payload)?;
    mark(store, message).await
}

/// The helper stands alone here: the current span is the one in which the message is processed.
#[span_attr("booking.id" = message.booking_id)]
async fn mark(store: Store, message: CleaningPlanned) -> Result<(), TaskError> {
    let id = message.booking_id;
    let work = move |connection: &mut Connection<'_>| {
        bookings::mark_cleaning_planned(connection, id).map_err(StoreError::from)
    };
    let marked = otel_runtime::spawn_blocking(move || store.run(work)).await??;
    if marked {
        log::info!(
            "the cleaning of booking {id} is planned for {}",
            message.day
        );
        Ok(())
    } else {
        Err(TaskError::UnknownBooking(id))
    }
}

/// Why a task failed.
#[derive(Debug, thiserror::Error)]
pub enum TaskError {
    /// The message is not what was agreed on.
    #[error("the message cannot be read: {0}")]
    Unreadable(#[from] serde_json::Error),
    /// The message is about a booking that is not stored here.
    #[error("there is no booking {0}")]
    UnknownBooking(i64),
    /// The database could not be asked.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The work on the database was cut off.
    #[error("the work was cut off: {0}")]
    CutOff(#[from] tokio::task::JoinError),
}

impl TaskError {
    /// Whether trying again cannot help.
    #[must_use]
    pub fn is_final(&self) -> bool {
        matches!(self, Self::Unreadable(_) | Self::UnknownBooking(_))
    }

    /// Whether nothing is wrong with the message, and the task succeeds once the database is back.
    #[must_use]
    pub fn is_outage(&self) -> bool {
        match self {
            Self::Store(error) => error.is_outage(),
            Self::Unreadable(_) | Self::UnknownBooking(_) | Self::CutOff(_) => false,
        }
    }
}
