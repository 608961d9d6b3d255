//! Client spans of connections to a real PostgreSQL: the one that `TEST_POSTGRES_URL` names.

use std::{
    env,
    io::{self, Write as _},
    process,
    sync::atomic::{AtomicU64, Ordering},
};

use crate::recorded::Recorded;
use diesel::{
    connection::{Connection as _, SimpleConnection as _},
    pg::{Pg, PgRowByRowLoadingMode},
    prelude::*,
    r2d2::{ConnectionManager, Pool},
    result::Error,
    serialize::{self, IsNull, Output, ToSql},
    sql_types::{Integer, SqlType},
};
use opentelemetry::{
    global,
    trace::{Status, Tracer as _},
};
use otel_runtime::{
    instrument::diesel::{QuerySpans, install},
    testing::SpanRecord,
};

diesel::table! {
    rooms (id) {
        id -> Integer,
        name -> Text,
        beds -> Integer,
    }
}

diesel::table! {
    bookings (id) {
        id -> Integer,
        room_id -> Integer,
    }
}

const TABLES: &str = "
    CREATE TYPE floor AS ENUM ('ground', 'first');
    CREATE TABLE rooms (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, beds INTEGER NOT NULL DEFAULT 1 CHECK (beds > 0));
    CREATE TABLE bookings (id INTEGER PRIMARY KEY, room_id INTEGER NOT NULL REFERENCES rooms (id));
";

/// A database that goes with the test.
struct Database {
    name: String,
    url: String,
}

impl Database {
    fn create(server: &str) -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("otel_runtime_{}_{number}", process::id());
        administrate(&format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"));
        administrate(&format!("CREATE DATABASE {name}"));
        let (start, _) = server.rsplit_once('/').expect("a URL with a database");
        let url = format!("{start}/{name}");
        let database = Self { name, url };
        database.change(TABLES);
        database
    }

    /// Without spans.
    fn change(&self, sql: &str) {
        let mut connection = PgConnection::establish(&self.url).expect("a connection");
        connection.batch_execute(sql).expect("executed");
    }

    fn connect(&self) -> PgConnection {
        let mut connection = PgConnection::establish(&self.url).expect("a connection");
        connection.set_instrumentation(QuerySpans::for_url(&self.url));
        connection
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        administrate(&format!("DROP DATABASE {} WITH (FORCE)", self.name));
    }
}

/// The spans and the database of one test; `None`, and said so, where there is no server.
fn start(test: &str) -> Option<(Recorded, Database)> {
    let Some(server) = server() else {
        let line = format!("{test}: skipped, since TEST_POSTGRES_URL is not set\n");
        // Unlike `eprintln!`, this is not captured.
        io::stderr().write_all(line.as_bytes()).expect("said");
        return None;
    };
    // First, so that no other test records meanwhile.
    let spans = Recorded::start();
    Some((spans, Database::create(&server)))
}

fn server() -> Option<String> {
    env::var("TEST_POSTGRES_URL")
        .ok()
        .filter(|url| !url.is_empty())
}

fn administrate(sql: &str) {
    let url = server().expect("a server");
    let mut connection = PgConnection::establish(&url).expect("a connection");
    connection.batch_execute(sql).expect("executed");
}

fn attribute(span: &SpanRecord, key: &str) -> Option<String> {
    span.attribute(key).map(ToString::to_string)
}

/// Name, type, code and description of each span.
fn told(spans: &Recorded) -> Vec<String> {
    let tell = |span: SpanRecord| {
        let Status::Error { description } = &span.status else {
            return span.name;
        };
        format!(
            "{}: {} {} {description}",
            span.name,
            attribute(&span, "error.type").expect("a type"),
            attribute(&span, "db.response.status_code").unwrap_or("-".to_owned()),
        )
    };
    spans.finished().into_iter().map(tell).collect()
}

#[test]
fn a_query_tells_where_and_what() {
    let Some((spans, database)) = start("a_query_tells_where_and_what") else {
        return;
    };
    let mut connection = database.connect();
    global::tracer("test").in_span("booking.create", |_| {
        let id: i32 = diesel::insert_into(rooms::table)
            .values((rooms::id.eq(7), rooms::name.eq("secret")))
            .returning(rooms::id)
            .get_result(&mut connection)
            .expect("inserted");
        assert_eq!(id, 7);
    });
    let span = spans
        .finished()
        .into_iter()
        .find(|span| span.name == "INSERT rooms")
        .expect("a span");
    let keys = [
        "db.system.name",
        "db.namespace",
        "db.query.text",
        "db.query.summary",
    ];
    assert_eq!(
        keys.map(|key| attribute(&span, key).expect(key)),
        [
            "postgresql",
            &database.name,
            "INSERT INTO \"rooms\" (\"id\", \"name\") VALUES ($1, $2) RETURNING \"rooms\".\"id\"",
            "INSERT rooms",
        ]
    );
    assert!(
        database
            .url
            .contains(&attribute(&span, "server.address").expect("an address"))
    );
    assert_eq!(
        attribute(&span, "server.port").is_some(),
        database.url.matches(':').count() > 1
    );
    assert_eq!(told(&spans), ["INSERT rooms", "booking.create"]);
    assert!(!spans.tree().contains("secret"));
}

#[test]
fn transactions_and_savepoints_show() {
    let Some((spans, database)) = start("transactions_and_savepoints_show") else {
        return;
    };
    let mut connection = database.connect();
    connection
        .build_transaction()
        .serializable()
        .run(|connection| {
            let inner: Result<(), Error> = connection.transaction(|connection| {
                diesel::delete(rooms::table.find(1)).execute(connection)?;
                Err(Error::RollbackTransaction)
            });
            assert_eq!(inner, Err(Error::RollbackTransaction));
            connection.transaction(|connection| {
                diesel::update(rooms::table)
                    .set(rooms::beds.eq(2))
                    .execute(connection)
            })
        })
        .expect("committed");
    assert_eq!(
        told(&spans),
        [
            "BEGIN",
            "SAVEPOINT",
            "DELETE rooms",
            "ROLLBACK",
            "SAVEPOINT",
            "UPDATE rooms",
            "RELEASE",
            "COMMIT"
        ]
    );
}

#[test]
fn errors_tell_their_code_and_no_value() {
    let Some((spans, database)) = start("errors_tell_their_code_and_no_value") else {
        return;
    };
    let mut connection = database.connect();
    database.change("INSERT INTO rooms VALUES (1, 'secret')");
    let insert = |id: i32, name: Option<&str>, beds: i32| {
        diesel::insert_into(rooms::table).values((
            rooms::id.eq(id),
            name.map(|name| rooms::name.eq(name.to_owned())),
            rooms::beds.eq(beds),
        ))
    };
    let connection = &mut connection;
    let unique = insert(1, Some("other"), 1).execute(connection);
    let unique_returned = insert(2, Some("secret"), 1)
        .returning(rooms::id)
        .get_result::<i32>(connection);
    let null = insert(3, None, 1).execute(connection);
    let check = insert(3, Some("secret too"), -4711).execute(connection);
    let key = diesel::insert_into(bookings::table)
        .values((bookings::id.eq(1), bookings::room_id.eq(4711)))
        .execute(connection);
    assert!(
        unique.is_err()
            && unique_returned.is_err()
            && null.is_err()
            && check.is_err()
            && key.is_err()
    );
    for sql in [
        "SELEKT 'secret'",
        "SELECT * FROM rooms WHERE name = 'secret' AND",
        "SELECT 1 / (beds - 1) FROM rooms",
        "SELECT 'secret'::integer",
        "SELECT 'secret'::floor",
        "SELECT * FROM secrets",
        "SET statement_timeout = 1; SELECT pg_sleep(60)",
        "SET statement_timeout = 0; BEGIN READ ONLY; DELETE FROM rooms",
        "DELETE FROM rooms",
        "ROLLBACK",
    ] {
        let _ = connection.batch_execute(sql);
    }
    assert_eq!(
        told(&spans),
        [
            "INSERT rooms: UniqueViolation 23505 duplicate key value violates unique constraint ?",
            "INSERT rooms: UniqueViolation 23505 duplicate key value violates unique constraint ?",
            "INSERT rooms: NotNullViolation 23502 null value in column ? violates not-null constraint",
            "INSERT rooms: CheckViolation 23514 new row for relation ?",
            "INSERT bookings: ForeignKeyViolation 23503 insert or update on table ?",
            "postgresql: DatabaseError 42601 syntax error at or near ?",
            "SELECT rooms: DatabaseError 42601 syntax error at end of input",
            "SELECT rooms: DatabaseError 22012 division by zero",
            "SELECT: DatabaseError 22P02 invalid input syntax for type integer: ?",
            "SELECT: DatabaseError 22P02 invalid input value for enum floor: ?",
            "SELECT secrets: DatabaseError - relation ? does not exist",
            "SET SELECT: DatabaseError 57014 canceling statement due to statement timeout",
            "SET BEGIN DELETE rooms: ReadOnlyTransaction 25006 cannot execute DELETE in a read-only transaction",
            "DELETE rooms: DatabaseError 25P02 current transaction is aborted, \
             commands ignored until end of transaction block",
            "ROLLBACK",
        ]
    );
    assert!(!spans.tree().contains("4711"));
}

#[test]
fn prepared_statements_and_batches_fail_and_succeed_alike() {
    let Some((spans, database)) = start("prepared_statements_and_batches_fail_and_succeed_alike")
    else {
        return;
    };
    let mut connection = database.connect();
    for id in [1, 2, 1] {
        let _ = diesel::insert_into(rooms::table)
            .values((rooms::id.eq(id), rooms::name.eq(id.to_string())))
            .execute(&mut connection);
    }
    let unknown =
        diesel::sql_query("SELECT nothing FROM rooms WHERE id = $1").bind::<Integer, _>(4711);
    assert!(unknown.clone().execute(&mut connection).is_err());
    assert!(unknown.load::<Row>(&mut connection).is_err());
    connection
        .batch_execute("DELETE FROM bookings; DELETE FROM rooms WHERE id = 2")
        .expect("executed");
    connection
        .batch_execute("DELETE FROM bookings; DELETE FROM nothing")
        .expect_err("no table");
    assert_eq!(
        told(&spans),
        [
            "INSERT rooms",
            "INSERT rooms",
            "INSERT rooms: UniqueViolation 23505 duplicate key value violates unique constraint ?",
            "SELECT rooms: DatabaseError - column ? does not exist",
            "SELECT rooms: DatabaseError - column ? does not exist",
            "DELETE bookings DELETE rooms",
            "DELETE bookings DELETE nothing: DatabaseError - relation ? does not exist",
        ]
    );
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = Integer)]
    #[expect(dead_code, reason = "never loaded")]
    nothing: i32,
}

#[test]
fn a_serialization_failure_shows_where_it_happens() {
    let Some((spans, database)) = start("a_serialization_failure_shows_where_it_happens") else {
        return;
    };
    let (mut one, mut other) = (database.connect(), database.connect());
    database.change("INSERT INTO rooms VALUES (1, 'a'), (2, 'b')");
    let outcome = one.build_transaction().repeatable_read().run(|one| {
        rooms::table.select(rooms::beds).load::<i32>(one)?;
        diesel::update(rooms::table.find(1))
            .set(rooms::beds.eq(3))
            .execute(&mut other)?;
        diesel::update(rooms::table.find(1))
            .set(rooms::beds.eq(4))
            .execute(one)
    });
    assert!(outcome.is_err());
    assert_eq!(
        told(&spans),
        [
            "BEGIN",
            "SELECT rooms",
            "UPDATE rooms",
            "UPDATE rooms: SerializationFailure 40001 could not serialize access due to concurrent update",
            "ROLLBACK",
        ]
    );
}

#[test]
fn rows_one_by_one_are_one_span_until_the_last() {
    let Some((spans, database)) = start("rows_one_by_one_are_one_span_until_the_last") else {
        return;
    };
    let mut connection = database.connect();
    let query = diesel::dsl::sql::<Integer>("SELECT 10 / (3 - n) FROM generate_series(1, 4) AS n");
    let mut rows = query
        .load_iter::<i32, PgRowByRowLoadingMode>(&mut connection)
        .expect("sent");
    assert!(spans.finished().is_empty());
    assert_eq!(rows.next(), Some(Ok(5)));
    drop(rows);
    let one = diesel::select(diesel::dsl::sql::<Integer>("2 + 3"));
    let found: Vec<_> = one
        .load_iter::<i32, PgRowByRowLoadingMode>(&mut connection)
        .expect("sent")
        .collect();
    assert_eq!(found, [Ok(5)]);
    assert_eq!(
        told(&spans),
        ["SELECT: DatabaseError 22012 division by zero", "SELECT"]
    );
}

#[derive(diesel::query_builder::QueryId, SqlType)]
#[diesel(postgres_type(name = "floor"))]
struct Floor;

#[derive(Debug)]
struct Level(&'static str);

impl ToSql<Floor, Pg> for Level {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> serialize::Result {
        out.write_all(self.0.as_bytes())?;
        Ok(IsNull::No)
    }
}

#[test]
fn a_type_is_looked_up_once_in_a_span_of_its_own() {
    let Some((spans, database)) = start("a_type_is_looked_up_once_in_a_span_of_its_own") else {
        return;
    };
    let mut connection = database.connect();
    let ask = |connection: &mut PgConnection, level| {
        let _ = diesel::sql_query("SELECT * FROM rooms WHERE $1 = 'first'")
            .bind::<Floor, _>(Level(level))
            .execute(connection);
    };
    ask(&mut connection, "ground");
    ask(&mut connection, "secret");
    // Also where nothing but the query itself says that this is PostgreSQL.
    let mut connection = PgConnection::establish(&database.url).expect("a connection");
    connection.set_instrumentation(QuerySpans::new());
    ask(&mut connection, "ground");
    assert_eq!(
        told(&spans),
        [
            "SELECT pg_type",
            "SELECT rooms",
            "SELECT rooms: DatabaseError 22P02 invalid input value for enum floor: ?",
            "SELECT pg_type",
            "SELECT rooms",
        ]
    );
    let finished = spans.finished();
    let cancelled = |span: &SpanRecord| attribute(span, otel_runtime::CANCELLED).is_some();
    assert!(!finished.iter().any(cancelled));
    assert!(!spans.tree().contains("secret"));
}

#[test]
fn a_lost_connection_is_told() {
    let Some((spans, database)) = start("a_lost_connection_is_told") else {
        return;
    };
    let mut connection = database.connect();
    administrate(&format!(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{}'",
        database.name
    ));
    let lost =
        connection.transaction(|connection| rooms::table.select(rooms::id).load::<i32>(connection));
    assert!(lost.is_err());
    let gone = rooms::table.select(rooms::id).load::<i32>(&mut connection);
    assert!(gone.is_err());
    let told = told(&spans);
    // What the server said last may be lost with the connection, and with it the code.
    assert!(told[0].starts_with("BEGIN: ClosedConnection "), "{told:?}");
    assert_eq!(
        told[1..],
        ["SELECT rooms: UnableToSendCommand - no connection to the server"]
    );
}

#[derive(Debug, PartialEq, Queryable, Selectable)]
struct Room {
    id: i32,
    name: String,
}

#[test]
fn copying_shows() {
    let Some((spans, database)) = start("copying_shows") else {
        return;
    };
    let mut connection = database.connect();
    let copied = diesel::copy_from(rooms::table)
        .from_insertable(vec![(
            rooms::id.eq(1),
            rooms::name.eq("secret"),
            rooms::beds.eq(1),
        )])
        .execute(&mut connection);
    assert_eq!(copied, Ok(1));
    let again = diesel::copy_from(rooms::table)
        .from_insertable(vec![(
            rooms::id.eq(1),
            rooms::name.eq("secret"),
            rooms::beds.eq(1),
        )])
        .execute(&mut connection);
    assert!(again.is_err());
    let rows: Vec<_> = diesel::copy_to(rooms::table)
        .load::<Room, _>(&mut connection)
        .expect("sent")
        .collect();
    assert_eq!(
        rows,
        [Ok(Room {
            id: 1,
            name: "secret".to_owned()
        })]
    );
    // Diesel tells of an error of copying as text only, by which the code is known.
    assert_eq!(
        told(&spans),
        [
            "COPY rooms",
            "COPY rooms: DatabaseError 23505 duplicate key value violates unique constraint ?",
            "COPY rooms",
        ]
    );
    assert!(!spans.tree().contains("secret"));
}

#[test]
fn only_an_opened_connection_is_a_connect() {
    let Some((spans, database)) = start("only_an_opened_connection_is_a_connect") else {
        return;
    };
    install().expect("installed");
    let missing = PgConnection::establish(&format!("{}_not", database.url)).map(drop);
    let pool = Pool::builder()
        .max_size(1)
        .build(ConnectionManager::<PgConnection>::new(&database.url));
    diesel::connection::set_default_instrumentation(|| None).expect("uninstalled");
    missing.expect_err("no such database");
    let pool = pool.expect("a pool");
    for _ in 0..3 {
        let mut connection = pool.get().expect("a connection");
        diesel::delete(bookings::table)
            .execute(&mut connection)
            .expect("deleted");
    }
    // The pool connects on a thread of its own, whose spans come before or after those of this one.
    let mut told = told(&spans);
    told.sort();
    assert_eq!(
        told,
        [
            "DELETE bookings",
            "DELETE bookings",
            "DELETE bookings",
            "connect",
            "connect: BadConnection - FATAL:  database ? does not exist",
        ]
    );
}
