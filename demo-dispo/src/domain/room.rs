use serde::Serialize;

/// A room that can be booked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Room {
    /// Its id in this service.
    pub id: i64,
    /// What is written on its door.
    pub number: String,
    /// Its name.
    pub name: String,
}
