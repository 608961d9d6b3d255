//! The table of bookings.

use chrono::NaiveDate;
use diesel::{
    BoolExpressionMethods, ExpressionMethods, OptionalExtension, QueryDsl, QueryResult, Queryable,
    RunQueryDsl, Selectable, SelectableHelper, result::Error,
};
use otel_runtime::instrument::diesel::TracedQueryDsl as _;

use super::{Connection, StoreError, either, outbox, rooms};
use crate::{
    domain::{Booking, BookingCreated, BookingDraft, BookingWithRoom, Period},
    outbox::OutgoingMessage,
    schema::bookings,
};

/// Stores a booking and its announcement, unless the room is unknown or taken. Check and insert are one transaction,
/// and bookings of one room come one after the other.
///
/// # Errors
///
/// Why nothing was stored.
pub fn insert(
    connection: &mut Connection<'_>,
    draft: &BookingDraft,
) -> Result<(BookingWithRoom, OutgoingMessage), InsertError> {
    connection.transaction(|connection| {
        let room = rooms::lock(connection, draft.room_id)?.ok_or(InsertError::UnknownRoom)?;
        if let Some(other) = find_overlap(connection, draft)? {
            return Err(InsertError::Overlap(other.period));
        }
        let row = either!(connection, |connection| diesel::insert_into(
            bookings::table
        )
        .values((
            bookings::room_id.eq(draft.room_id),
            bookings::start.eq(draft.period.start()),
            bookings::end.eq(draft.period.end()),
        ))
        .returning(BookingRow::as_returning())
        .traced()
        .get_result(connection))?;
        let made = BookingWithRoom {
            booking: row.try_into()?,
            room,
        };
        let announcement = OutgoingMessage::new(&BookingCreated::from(&made))
            .map_err(|error| Error::SerializationError(Box::new(error)))?;
        outbox::insert(connection, &announcement)?;
        Ok((made, announcement))
    })
}

/// Why a booking was not stored.
#[derive(Debug, thiserror::Error)]
pub enum InsertError {
    /// There is no such room.
    #[error("the room is unknown")]
    UnknownRoom,
    /// The room is taken in this period.
    #[error("the room is booked from {} to {}", .0.start(), .0.end())]
    Overlap(Period),
    /// The database could not be asked.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<Error> for InsertError {
    fn from(error: Error) -> Self {
        Self::Store(error.into())
    }
}

/// All bookings, in the order of their ids.
///
/// # Errors
///
/// The database refuses.
pub fn list(connection: &mut Connection<'_>) -> QueryResult<Vec<Booking>> {
    let rows = either!(connection, |connection| bookings::table
        .order(bookings::id)
        .select(BookingRow::as_select())
        .traced()
        .load(connection))?;
    rows.into_iter().map(Booking::try_from).collect()
}

/// The booking with this id, if there is one.
///
/// # Errors
///
/// The database refuses.
pub fn find(connection: &mut Connection<'_>, id: i64) -> QueryResult<Option<Booking>> {
    let row = either!(connection, |connection| bookings::table
        .find(id)
        .select(BookingRow::as_select())
        .traced()
        .first(connection)
        .optional())?;
    row.map(Booking::try_from).transpose()
}

/// Marks that the cleaning after this booking is planned; false when there is no such booking.
///
/// # Errors
///
/// The database refuses.
pub fn mark_cleaning_planned(connection: &mut Connection<'_>, id: i64) -> QueryResult<bool> {
    let rows = either!(connection, |connection| diesel::update(
        bookings::table.find(id)
    )
    .set(bookings::cleaning_planned.eq(true))
    .traced()
    .execute(connection))?;
    Ok(rows > 0)
}

/// The day of departure is free for the next guest.
fn find_overlap(
    connection: &mut Connection<'_>,
    draft: &BookingDraft,
) -> QueryResult<Option<Booking>> {
    let row = either!(connection, |connection| bookings::table
        .filter(bookings::room_id.eq(draft.room_id))
        .filter(
            bookings::start
                .lt(draft.period.end())
                .and(bookings::end.gt(draft.period.start())),
        )
        .order(bookings::start)
        .select(BookingRow::as_select())
        .traced()
        .first(connection)
        .optional())?;
    row.map(Booking::try_from).transpose()
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = bookings)]
struct BookingRow {
    id: i64,
    room_id: i64,
    start: NaiveDate,
    end: NaiveDate,
    cleaning_planned: bool,
}

impl TryFrom<BookingRow> for Booking {
    type Error = Error;

    fn try_from(row: BookingRow) -> Result<Self, Error> {
        let period = Period::new(row.start, row.end)
            .map_err(|error| Error::DeserializationError(Box::new(error)))?;
        Ok(Self {
            id: row.id,
            room_id: row.room_id,
            period,
            cleaning_planned: row.cleaning_planned,
        })
    }
}
