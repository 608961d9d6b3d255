//! Client spans of connections to real databases, in memory and in files.

use std::path::PathBuf;

use crate::recorded::Recorded;
use diesel::{
    connection::{Connection as _, SimpleConnection as _},
    deserialize::FromSqlRow,
    expression::AsExpression,
    prelude::*,
    r2d2::{ConnectionManager, Pool},
    serialize::{self, Output, ToSql},
    sql_types::Text,
    sqlite::Sqlite,
};
use opentelemetry::{
    Context, global,
    trace::{
        SpanContext, SpanKind, Status, TraceContextExt as _, TraceFlags, TraceState, Tracer as _,
    },
};
use otel_runtime::instrument::diesel::{QuerySpans, TracedQueryDsl as _, install};
use otel_runtime::testing::SpanRecord;

diesel::table! {
    rooms (id) {
        id -> Integer,
        name -> Text,
    }
}

diesel::table! {
    bookings (id) {
        id -> Integer,
        room_id -> Integer,
    }
}

diesel::joinable!(bookings -> rooms (room_id));
diesel::allow_tables_to_appear_in_same_query!(bookings, rooms);

const TABLES: &str = "
    CREATE TABLE rooms (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
    CREATE TABLE bookings (id INTEGER PRIMARY KEY, room_id INTEGER NOT NULL REFERENCES rooms (id));
";

/// A connection with tables; its spans, and those of the test, begin after they were made.
fn connection() -> (SqliteConnection, Recorded) {
    let spans = Recorded::start();
    let mut connection = SqliteConnection::establish(":memory:").expect("a database in memory");
    connection.batch_execute(TABLES).expect("tables");
    connection.set_instrumentation(QuerySpans::for_url(":memory:"));
    (connection, spans)
}

fn names(spans: &Recorded) -> Vec<String> {
    spans.finished().into_iter().map(|span| span.name).collect()
}

fn attribute(span: &SpanRecord, key: &str) -> Option<String> {
    let mut attributes = span.attributes.iter();
    attributes
        .find(|attribute| attribute.key.as_str() == key)
        .map(|attribute| attribute.value.to_string())
}

#[test]
fn a_traced_query_makes_the_span_that_it_makes_without() {
    let (mut connection, spans) = connection();
    let rooms = || rooms::table.filter(rooms::id.eq(1)).select(rooms::name);
    for _ in 0..2 {
        let found = rooms().traced().first::<String>(&mut connection);
        assert!(found.is_err());
    }
    let found = rooms().first::<String>(&mut connection);
    assert!(found.is_err());
    let insert = diesel::insert_into(rooms::table).values((rooms::id.eq(1), rooms::name.eq("a")));
    for is_new in [true, false] {
        assert_eq!(insert.traced().execute(&mut connection).is_ok(), is_new);
    }
    let spans = spans.finished();
    let [first, second, plain, inserted, refused] = spans.as_slice() else {
        panic!("{spans:?}");
    };
    assert_eq!(first.name, "SELECT rooms");
    assert!(attribute(first, "db.query.text").is_some());
    for other in [second, plain] {
        assert_eq!((&first.name, &first.kind), (&other.name, &other.kind));
        assert_eq!(first.attributes, other.attributes);
    }
    assert_eq!(inserted.status, Status::Unset);
    assert_eq!(refused.name, "INSERT rooms");
    let error_type = attribute(refused, "error.type");
    assert_eq!(error_type.as_deref(), Some("UniqueViolation"));
}

#[test]
fn queries_are_children_of_the_current_span() {
    let (mut connection, spans) = connection();
    global::tracer("test").in_span("booking.create", |_| {
        diesel::insert_into(rooms::table)
            .values((rooms::id.eq(7), rooms::name.eq("secret -- binds: []")))
            .execute(&mut connection)
            .expect("inserted");
        let found: Vec<(i32, String)> = bookings::table
            .inner_join(rooms::table)
            .filter(rooms::name.eq("secret"))
            .select((bookings::id, rooms::name))
            .load(&mut connection)
            .expect("loaded");
        assert!(found.is_empty());
    });
    spans.check(
        r#"
        INTERNAL booking.create
          CLIENT INSERT rooms
              · db.namespace = ":memory:"
              · db.query.summary = "INSERT rooms"
              · db.query.text = "INSERT INTO `rooms` (`id`, `name`) VALUES (?, ?)"
              · db.system.name = "sqlite"
          CLIENT SELECT bookings rooms
              · db.namespace = ":memory:"
              · db.query.summary = "SELECT bookings rooms"
              · db.query.text = "SELECT `bookings`.`id`, `rooms`.`name` FROM (`bookings` INNER JOIN `rooms` ON (`bookings`.`room_id` = `rooms`.`id`)) WHERE (`rooms`.`name` = ?)"
              · db.system.name = "sqlite"
        "#,
    );
    assert!(
        spans
            .finished()
            .iter()
            .filter(|span| span.kind == SpanKind::Client)
            .all(|span| span.scope_name == "otel-runtime")
    );
}

#[test]
fn every_connection_opened_after_install_has_spans() {
    let folder = Folder::new("every_connection");
    let file = folder.0.join("dispo.db");
    let spans = Recorded::start();
    let url = format!("file:{}?mode=rwc", file.display());
    install().expect("installed");
    let connection = SqliteConnection::establish(&url);
    let missing = SqliteConnection::establish("/no/such/folder/dispo.db").map(drop);
    let uninstalled = diesel::connection::set_default_instrumentation(|| None);
    connection
        .expect("a database in a file")
        .batch_execute("PRAGMA foreign_keys = ON")
        .expect("set");
    missing.expect_err("no such folder");
    uninstalled.expect("uninstalled");
    spans.check(
        r#"
        CLIENT connect
            · db.namespace = "dispo.db"
            · db.system.name = "sqlite"
        CLIENT connect ERROR: unable to open database file
            · db.namespace = "dispo.db"
            · db.system.name = "sqlite"
            · error.type = "BadConnection"
        CLIENT PRAGMA foreign_keys
            · db.namespace = "dispo.db"
            · db.query.summary = "PRAGMA foreign_keys"
            · db.query.text = "PRAGMA foreign_keys = ON"
            · db.system.name = "sqlite"
        "#,
    );
}

#[test]
fn transactions_show() {
    let (mut connection, spans) = connection();
    connection
        .transaction(|connection| {
            let rolled_back: Result<(), _> = connection.transaction(|connection| {
                diesel::delete(rooms::table.find(1)).execute(connection)?;
                Err(diesel::result::Error::RollbackTransaction)
            });
            assert!(rolled_back.is_err());
            connection.transaction(|connection| {
                diesel::update(rooms::table)
                    .set(rooms::name.eq("a"))
                    .execute(connection)
            })
        })
        .expect("committed");
    let expected = [
        "BEGIN",
        "SAVEPOINT",
        "DELETE rooms",
        "ROLLBACK",
        "SAVEPOINT",
        "UPDATE rooms",
        "RELEASE",
        "COMMIT",
    ];
    assert_eq!(names(&spans), expected);
    assert!(
        spans
            .finished()
            .iter()
            .all(|span| span.status == Status::Unset)
    );
}

#[test]
fn violations_are_errors_of_their_kind() {
    let (mut connection, spans) = connection();
    for _ in 0..2 {
        let _ = diesel::insert_into(rooms::table)
            .values((rooms::id.eq(7), rooms::name.eq("secret")))
            .execute(&mut connection);
    }
    assert!(connection.batch_execute("SELEKT 'secret'").is_err());
    assert!(
        rooms::table
            .find(99)
            .first::<(i32, String)>(&mut connection)
            .is_err(),
        "not found"
    );
    let told = spans.finished().into_iter().map(|span| {
        let description = match &span.status {
            Status::Error { description } => description.to_string(),
            other => format!("{other:?}"),
        };
        (
            attribute(&span, "error.type").unwrap_or_default(),
            span.name,
            description,
        )
    });
    let expected = [
        ("", "INSERT rooms", "Unset"),
        (
            "UniqueViolation",
            "INSERT rooms",
            "UNIQUE constraint failed: rooms.id",
        ),
        ("DatabaseError", "sqlite", "near ?: syntax error"),
        ("", "SELECT rooms", "Unset"),
    ];
    let expected = expected.map(|(error, name, description)| {
        (error.to_owned(), name.to_owned(), description.to_owned())
    });
    assert_eq!(told.collect::<Vec<_>>(), expected);
}

#[test]
fn what_diesel_does_not_tell_of_sqlite_is_left_unset() {
    let (mut connection, spans) = connection();
    connection
        .batch_execute("INSERT INTO rooms VALUES (1, 'a')")
        .expect("inserted");
    let again = diesel::insert_into(rooms::table)
        .values((rooms::id.eq(2), rooms::name.eq("a")))
        .returning(rooms::id)
        .get_result::<i32>(&mut connection);
    assert!(again.is_err());
    // Should this fail one day, diesel has learned to tell; then the module's documentation may say so.
    assert!(
        spans
            .finished()
            .iter()
            .all(|span| span.status == Status::Unset)
    );
    assert_eq!(names(&spans), ["INSERT rooms", "INSERT rooms"]);
}

#[test]
fn values_written_into_the_text_do_not_show() {
    let (mut connection, spans) = connection();
    diesel::sql_query(
        "SELECT id FROM rooms WHERE name = 'secret -- binds: [' AND id > 42 AND name <> ?",
    )
    .bind::<Text, _>("secret")
    .execute(&mut connection)
    .expect("executed");
    connection
        .batch_execute(
            "INSERT INTO rooms VALUES (42, 'secret -- binds: [1]'); -- secret\nDELETE FROM rooms;",
        )
        .expect("executed");
    assert!(!spans.tree().contains("secret") && !spans.tree().contains("42"));
    let texts: Vec<_> = spans
        .finished()
        .iter()
        .map(|span| attribute(span, "db.query.text").expect("a text"))
        .collect();
    assert_eq!(
        texts,
        [
            "SELECT id FROM rooms WHERE name = ? AND id > ? AND name <> ?",
            "INSERT INTO rooms VALUES (?, ?); DELETE FROM rooms;",
        ],
    );
    assert_eq!(names(&spans), ["SELECT rooms", "INSERT rooms DELETE rooms"]);
}

#[test]
fn the_check_of_a_pool_is_left_out() {
    let spans = Recorded::start();
    let folder = Folder::new("pool_check");
    let manager =
        ConnectionManager::<SqliteConnection>::new(folder.0.join("dispo.db").display().to_string());
    let pool = Pool::builder()
        .max_size(1)
        .test_on_check_out(true)
        .build(manager)
        .expect("a pool");
    let mut connection = pool.get().expect("a connection");
    connection.set_instrumentation(QuerySpans::for_url("dispo.db"));
    drop(connection);
    global::tracer("test").in_span("request", |_| {
        let mut connection = pool.get().expect("a checked connection");
        connection.batch_execute("SELECT 1").expect("executed");
        diesel::sql_query("SELECT  1")
            .execute(&mut connection)
            .expect("executed");
    });
    assert_eq!(
        names(&spans),
        ["SELECT", "SELECT", "request"],
        "only what was asked for in this test"
    );
}

/// Cannot be sent to a database.
#[derive(Debug, AsExpression, FromSqlRow)]
#[diesel(sql_type = Text)]
struct Unsendable;

impl ToSql<Text, Sqlite> for Unsendable {
    fn to_sql<'b>(&'b self, _: &mut Output<'b, '_, Sqlite>) -> serialize::Result {
        Err("secret".into())
    }
}

#[test]
fn a_query_whose_end_is_not_announced_leaves_the_next_ones_alone() {
    let (mut connection, spans) = connection();
    let unsent = diesel::insert_into(rooms::table)
        .values(rooms::name.eq(Unsendable))
        .execute(&mut connection);
    assert!(unsent.is_err());
    connection
        .batch_execute("DELETE FROM rooms")
        .expect("executed");
    connection
        .batch_execute("DELETE FROM bookings")
        .expect("executed");
    let told: Vec<_> = spans
        .finished()
        .iter()
        .map(|span| {
            (
                span.name.clone(),
                attribute(span, otel_runtime::CANCELLED).is_some(),
                span.status.clone(),
            )
        })
        .collect();
    let expected = [
        ("INSERT rooms", true),
        ("DELETE rooms", false),
        ("DELETE bookings", false),
    ];
    assert_eq!(
        told,
        expected.map(|(name, cancelled)| (name.to_owned(), cancelled, Status::Unset))
    );

    let unsent = diesel::insert_into(rooms::table)
        .values(rooms::name.eq(Unsendable))
        .execute(&mut connection);
    assert!(unsent.is_err());
    assert_eq!(spans.finished().len(), 3);
    drop(connection);
    assert_eq!(
        spans.finished().len(),
        4,
        "a closed connection leaves no span open"
    );
}

#[test]
fn what_becomes_of_a_query_is_told_below_a_span_too() {
    let (mut connection, spans) = connection();
    global::tracer("test").in_span("request", |_| {
        for is_new in [true, false] {
            let inserted = diesel::insert_into(rooms::table)
                .values((rooms::id.eq(1), rooms::name.eq("a")))
                .execute(&mut connection);
            assert_eq!(inserted.is_ok(), is_new);
        }
        let unsent = diesel::insert_into(rooms::table)
            .values(rooms::name.eq(Unsendable))
            .execute(&mut connection);
        assert!(unsent.is_err());
        let all = rooms::table.count().get_result::<i64>(&mut connection);
        assert_eq!(all, Ok(1));
    });
    let told: Vec<_> = spans
        .finished()
        .iter()
        .map(|span| {
            let error_type = attribute(span, "error.type").unwrap_or_default();
            let is_error = matches!(span.status, Status::Error { .. });
            let is_cancelled = attribute(span, otel_runtime::CANCELLED).is_some();
            (span.name.clone(), error_type, is_error, is_cancelled)
        })
        .collect();
    let expected = [
        ("INSERT rooms", "", false, false),
        ("INSERT rooms", "UniqueViolation", true, false),
        ("INSERT rooms", "", false, true),
        ("SELECT rooms", "", false, false),
        ("request", "", false, false),
    ];
    assert_eq!(
        told,
        expected.map(|(name, error_type, is_error, is_cancelled)| {
            (
                name.to_owned(),
                error_type.to_owned(),
                is_error,
                is_cancelled,
            )
        })
    );
}

#[test]
fn there_are_no_spans_where_telemetry_is_suppressed_or_the_trace_not_sampled() {
    let (mut connection, spans) = connection();
    {
        let _suppressed = Context::enter_telemetry_suppressed_scope();
        connection
            .batch_execute("DELETE FROM rooms")
            .expect("executed");
    }
    let unsampled = SpanContext::new(
        1_u128.into(),
        2_u64.into(),
        TraceFlags::default(),
        true,
        TraceState::NONE,
    );
    {
        let _current = Context::new().with_remote_span_context(unsampled).attach();
        connection
            .batch_execute("DELETE FROM rooms")
            .expect("executed");
    }
    spans.check("");
    connection
        .batch_execute("DELETE FROM rooms")
        .expect("executed");
    assert_eq!(names(&spans), ["DELETE rooms"]);
}

#[test]
fn a_connection_of_unknown_origin_has_spans_too() {
    let (mut connection, spans) = connection();
    connection.set_instrumentation(QuerySpans::new());
    connection.batch_execute("VACUUM").expect("executed");
    spans.check(
        r#"
        CLIENT VACUUM
            · db.query.summary = "VACUUM"
            · db.query.text = "VACUUM"
            · db.system.name = "other_sql"
        "#,
    );
}

/// A folder that goes with the test.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let folder =
            std::env::temp_dir().join(format!("instrument_diesel_{name}_{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a folder");
        Self(folder)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
