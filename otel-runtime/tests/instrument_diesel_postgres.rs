//! Client spans of connections to a real PostgreSQL: the one that `TEST_POSTGRES_URL` names.

mod recorded;

#[path = "instrument/diesel_postgres.rs"]
mod diesel_postgres;
