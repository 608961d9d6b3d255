//! The table of messages that are stored together with what they tell of, until they are sent.

use std::collections::HashMap;

use diesel::{
    ExpressionMethods, Insertable, QueryDsl, QueryResult, Queryable, RunQueryDsl, Selectable,
    SelectableHelper, result::Error,
};
use otel_runtime::instrument::diesel::TracedQueryDsl as _;
use ulid::Ulid;

use super::{Connection, either};
use crate::{outbox::OutgoingMessage, schema::outbox};

/// Stores a message; in the transaction of what it tells of, so that neither is there without the other.
///
/// # Errors
///
/// The database refuses.
pub fn insert(connection: &mut Connection<'_>, message: &OutgoingMessage) -> QueryResult<()> {
    let row = OutboxRow::try_from(message)?;
    either!(connection, |connection| diesel::insert_into(outbox::table)
        .values(&row)
        .traced()
        .execute(connection))?;
    Ok(())
}

/// Forgets a message that is sent.
///
/// # Errors
///
/// The database refuses.
pub fn delete(connection: &mut Connection<'_>, id: Ulid) -> QueryResult<()> {
    either!(connection, |connection| diesel::delete(
        outbox::table.find(id.to_string())
    )
    .traced()
    .execute(connection))?;
    Ok(())
}

/// The oldest messages with ids above `after` and below `before`, at most `count` of them.
///
/// # Errors
///
/// The database refuses.
pub fn oldest(
    connection: &mut Connection<'_>,
    after: Ulid,
    before: Ulid,
    count: i64,
) -> QueryResult<Vec<OutgoingMessage>> {
    let rows = either!(connection, |connection| outbox::table
        .filter(outbox::id.gt(after.to_string()))
        .filter(outbox::id.lt(before.to_string()))
        .order(outbox::id)
        .limit(count)
        .select(OutboxRow::as_select())
        .traced()
        .load(connection))?;
    rows.into_iter().map(OutgoingMessage::try_from).collect()
}

#[derive(Insertable, Queryable, Selectable)]
// Otherwise diesel takes each insert for another statement, and prepares it anew.
#[diesel(table_name = outbox, treat_none_as_default_value = false)]
struct OutboxRow {
    id: String,
    payload: String,
    headers: String,
}

impl TryFrom<&OutgoingMessage> for OutboxRow {
    type Error = Error;

    fn try_from(message: &OutgoingMessage) -> Result<Self, Error> {
        let headers = serde_json::to_string(&message.headers)
            .map_err(|error| Error::SerializationError(Box::new(error)))?;
        Ok(Self {
            id: message.id.to_string(),
            payload: message.payload.clone(),
            headers,
        })
    }
}

impl TryFrom<OutboxRow> for OutgoingMessage {
    type Error = Error;

    fn try_from(row: OutboxRow) -> Result<Self, Error> {
        let headers: HashMap<_, _> = serde_json::from_str(&row.headers)
            .map_err(|error| Error::DeserializationError(Box::new(error)))?;
        let id = Ulid::from_string(&row.id)
            .map_err(|error| Error::DeserializationError(Box::new(error)))?;
        Ok(Self {
            id,
            payload: row.payload,
            headers,
        })
    }
}
