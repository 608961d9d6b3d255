//! The table of rooms.

use diesel::{
    OptionalExtension, QueryDsl, QueryResult, Queryable, RunQueryDsl, Selectable, SelectableHelper,
};
use otel_runtime::instrument::diesel::TracedQueryDsl as _;

use super::{Connection, either};
use crate::{domain::Room, schema::rooms};

/// All rooms, in the order of their ids.
///
/// # Errors
///
/// The database refuses.
pub fn list(connection: &mut Connection<'_>) -> QueryResult<Vec<Room>> {
    let rows = either!(connection, |connection| rooms::table
        .order(rooms::id)
        .select(RoomRow::as_select())
        .traced()
        .load(connection))?;
    Ok(rows.into_iter().map(Room::from).collect())
}

/// The room with this id, if there is one.
///
/// # Errors
///
/// The database refuses.
pub fn find(connection: &mut Connection<'_>, id: i64) -> QueryResult<Option<Room>> {
    let row = either!(connection, |connection| rooms::table
        .find(id)
        .select(RoomRow::as_select())
        .traced()
        .first(connection)
        .optional())?;
    Ok(row.map(Room::from))
}

/// The room with this id, if there is one, and nobody else books it until the transaction around ends.
///
/// # Errors
///
/// The database refuses.
pub fn lock(connection: &mut Connection<'_>, id: i64) -> QueryResult<Option<Room>> {
    match connection {
        // The transaction has the whole database to itself.
        Connection::Sqlite(_) => find(connection, id),
        Connection::Postgres(connection) => {
            let row = rooms::table
                .find(id)
                .select(RoomRow::as_select())
                .for_no_key_update()
                .traced()
                .first(*connection)
                .optional()?;
            Ok(row.map(Room::from))
        }
    }
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = rooms)]
struct RoomRow {
    id: i64,
    number: String,
    name: String,
}

impl From<RoomRow> for Room {
    fn from(row: RoomRow) -> Self {
        Self {
            id: row.id,
            number: row.number,
            name: row.name,
        }
    }
}
