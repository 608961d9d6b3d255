//! The table of cleanings.

use chrono::NaiveDate;
use diesel::{
    ExpressionMethods, OptionalExtension, QueryDsl, QueryResult, Queryable, RunQueryDsl,
    Selectable, SelectableHelper,
};
use otel_runtime::instrument::diesel::TracedQueryDsl as _;

use super::{Connection, either};
use crate::{
    domain::{Cleaning, CleaningDraft},
    schema::cleanings,
};

/// Stores a cleaning; when there is one for this booking already, nothing is stored and that one is given.
///
/// # Errors
///
/// The database refuses.
pub fn insert(connection: &mut Connection<'_>, draft: &CleaningDraft) -> QueryResult<Cleaning> {
    let stored = either!(connection, |connection| diesel::insert_into(
        cleanings::table
    )
    .values((
        cleanings::booking_id.eq(draft.booking_id),
        cleanings::room.eq(&draft.room),
        cleanings::day.eq(draft.day),
    ))
    .on_conflict(cleanings::booking_id)
    .do_nothing()
    .returning(CleaningRow::as_returning())
    .traced()
    .get_result(connection)
    .optional())?;
    let row = match stored {
        Some(row) => row,
        None => either!(connection, |connection| cleanings::table
            .filter(cleanings::booking_id.eq(draft.booking_id))
            .select(CleaningRow::as_select())
            .traced()
            .first(connection))?,
    };
    Ok(row.into())
}

/// All cleanings, in the order of their days.
///
/// # Errors
///
/// The database refuses.
pub fn list(connection: &mut Connection<'_>) -> QueryResult<Vec<Cleaning>> {
    let rows = either!(connection, |connection| cleanings::table
        .order((cleanings::day, cleanings::id))
        .select(CleaningRow::as_select())
        .traced()
        .load(connection))?;
    Ok(rows.into_iter().map(Cleaning::from).collect())
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = cleanings)]
struct CleaningRow {
    id: i64,
    booking_id: i64,
    room: String,
    day: NaiveDate,
}

impl From<CleaningRow> for Cleaning {
    fn from(row: CleaningRow) -> Self {
        Self {
            id: row.id,
            booking_id: row.booking_id,
            room: row.room,
            day: row.day,
        }
    }
}
