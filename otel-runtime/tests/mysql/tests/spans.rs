//! Client spans of connections to a real MySQL or MariaDB: the one that `TEST_MYSQL_URL` names.

#![expect(missing_docs, reason = "the tables are public, as diesel makes them")]

#[path = "../../recorded/mod.rs"]
mod recorded;

use std::{
    env,
    io::{self, Write as _},
    process,
    sync::atomic::{AtomicU64, Ordering},
};

use diesel::{
    connection::{Connection as _, SimpleConnection as _},
    mysql::MysqlConnection,
    prelude::*,
    r2d2::{ConnectionManager, Pool},
    result::Error,
    sql_types::Integer,
};
use opentelemetry::{
    global,
    trace::{Status, Tracer as _},
};
use otel_runtime::{
    instrument::diesel::{QuerySpans, TracedPool, install},
    testing::SpanRecord,
};
use recorded::Recorded;

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

diesel::table! {
    #[sql_name = "order"]
    orders (id) {
        id -> Integer,
        #[sql_name = "room name"]
        room_name -> Text,
    }
}

const TABLES: &str = "
    CREATE TABLE rooms (id INTEGER PRIMARY KEY, name VARCHAR(100) NOT NULL UNIQUE, beds INTEGER NOT NULL DEFAULT 1);
    CREATE TABLE bookings (id INTEGER PRIMARY KEY, room_id INTEGER NOT NULL, FOREIGN KEY (room_id) REFERENCES rooms (id));
    CREATE TABLE `order` (id INTEGER PRIMARY KEY, `room name` VARCHAR(100) NOT NULL);
";

/// A database that goes with the test, and a user who may use it.
struct Database {
    name: String,
    url: String,
}

impl Database {
    fn create(server: &str) -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("otel_runtime_{}_{number}", process::id());
        administrate(&format!(
            "CREATE DATABASE {name}; \
             CREATE USER {name} IDENTIFIED BY 'secret'; \
             GRANT ALL ON {name}.* TO {name};"
        ));
        let (_, place) = server.rsplit_once('@').expect("a URL with a user");
        let (place, _) = place.split_once('/').expect("a URL with a database");
        let url = format!("mysql://{name}:secret@{place}/{name}");
        let database = Self { name, url };
        database.change(TABLES);
        database
    }

    /// Without spans.
    fn change(&self, sql: &str) {
        let mut connection = MysqlConnection::establish(&self.url).expect("a connection");
        connection.batch_execute(sql).expect("executed");
    }

    fn connect(&self) -> MysqlConnection {
        let mut connection = MysqlConnection::establish(&self.url).expect("a connection");
        connection.set_instrumentation(QuerySpans::for_url(&self.url));
        connection
    }

    /// Compares what is recorded with the lines of `expected`: without what every span has, and on whatever server.
    #[track_caller]
    fn check(&self, spans: &Recorded, expected: &str) {
        let (_, place) = self.url.rsplit_once('@').expect("a URL with a user");
        let (place, _) = place.split_once('/').expect("a URL with a database");
        let (host, port) = place.rsplit_once(':').expect("a URL with a port");
        let tree = spans.tree();
        assert!(!tree.contains("secret"), "{tree}");
        let tree = tree
            .replace(&self.name, "NAME")
            .replace(
                &format!("server.address = \"{host}\""),
                "server.address = HOST",
            )
            .replace(&format!("server.port = {port}"), "server.port = PORT");
        let common = [
            "· db.namespace = \"NAME\"",
            "· db.system.name = \"mysql\"",
            "· server.address = HOST",
            "· server.port = PORT",
        ];
        let (mut found, mut left_out) = (Vec::new(), 0);
        for line in tree.lines() {
            if common.contains(&line.trim()) {
                left_out += 1;
            } else {
                found.push(line);
            }
        }
        let clients = found.iter().filter(|line| line.contains("CLIENT "));
        assert_eq!(left_out, clients.count() * common.len(), "{tree}");
        assert_eq!(found.join("\n"), expected.trim());
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        let name = &self.name;
        administrate(&format!("DROP DATABASE {name}; DROP USER {name};"));
    }
}

/// The spans and the database of one test; `None`, and said so, where there is no server.
fn start(test: &str) -> Option<(Recorded, Database)> {
    let Some(server) = server() else {
        let line = format!("{test}: skipped, since TEST_MYSQL_URL is not set\n");
        // Unlike `eprintln!`, this is not captured.
        io::stderr().write_all(line.as_bytes()).expect("said");
        return None;
    };
    // First, so that no other test records meanwhile.
    let spans = Recorded::start();
    Some((spans, Database::create(&server)))
}

fn server() -> Option<String> {
    env::var("TEST_MYSQL_URL")
        .ok()
        .filter(|url| !url.is_empty())
}

fn administrate(sql: &str) {
    let url = server().expect("a server");
    let mut connection = MysqlConnection::establish(&url).expect("a connection");
    connection.batch_execute(sql).expect("executed");
}

fn names(spans: &Recorded) -> Vec<String> {
    spans.finished().into_iter().map(|span| span.name).collect()
}

/// Name, type and description of each span.
fn told(spans: &Recorded) -> Vec<String> {
    let tell = |span: SpanRecord| {
        let Status::Error { description } = &span.status else {
            return span.name;
        };
        let error_type = span.attribute("error.type").expect("a type");
        assert_eq!(span.attribute("db.response.status_code"), None);
        format!("{}: {error_type} {description}", span.name)
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
        diesel::insert_into(rooms::table)
            .values((rooms::id.eq(7), rooms::name.eq("secret -- binds: []")))
            .execute(&mut connection)
            .expect("inserted");
        let found: Vec<i32> = rooms::table
            .filter(rooms::name.eq("secret"))
            .select(rooms::id)
            .load(&mut connection)
            .expect("loaded");
        assert!(found.is_empty());
    });
    database.check(
        &spans,
        r#"
INTERNAL booking.create
  CLIENT INSERT rooms
      · db.query.summary = "INSERT rooms"
      · db.query.text = "INSERT INTO `rooms` (`id`, `name`) VALUES (?, ?)"
  CLIENT SELECT rooms
      · db.query.summary = "SELECT rooms"
      · db.query.text = "SELECT `rooms`.`id` FROM `rooms` WHERE (`rooms`.`name` = ?)"
"#,
    );
}

#[test]
fn connecting_tells_where_and_no_password() {
    let Some((spans, database)) = start("connecting_tells_where_and_no_password") else {
        return;
    };
    install().expect("installed");
    let connection = MysqlConnection::establish(&database.url);
    let refused = MysqlConnection::establish(&database.url.replace(":secret@", ":secrets@"));
    diesel::connection::set_default_instrumentation(|| None).expect("uninstalled");
    assert!(connection.is_ok());
    assert!(refused.is_err());
    database.check(
        &spans,
        r#"
CLIENT connect
CLIENT connect ERROR: Access denied for user ? (using password: YES)
    · error.type = "BadConnection"
"#,
    );
}

#[test]
fn names_in_backticks_are_names() {
    let Some((spans, database)) = start("names_in_backticks_are_names") else {
        return;
    };
    let mut connection = database.connect();
    diesel::insert_into(orders::table)
        .values((orders::id.eq(1), orders::room_name.eq("secret")))
        .execute(&mut connection)
        .expect("inserted");
    connection
        .batch_execute("DELETE FROM `order` WHERE `room name` = 'secret'")
        .expect("deleted");
    connection
        .batch_execute("CREATE TABLE `a ``b` (id INTEGER)")
        .expect("created");
    connection
        .batch_execute(&format!("SELECT 1 FROM `{}`.`order`", database.name))
        .expect("selected");
    database.check(
        &spans,
        r#"
CLIENT INSERT order
    · db.query.summary = "INSERT order"
    · db.query.text = "INSERT INTO `order` (`id`, `room name`) VALUES (?, ?)"
CLIENT DELETE order
    · db.query.summary = "DELETE order"
    · db.query.text = "DELETE FROM `order` WHERE `room name` = ?"
CLIENT CREATE TABLE `a ``b`
    · db.query.summary = "CREATE TABLE `a ``b`"
    · db.query.text = "CREATE TABLE `a ``b` (id INTEGER)"
CLIENT SELECT NAME.order
    · db.query.summary = "SELECT NAME.order"
    · db.query.text = "SELECT ? FROM `NAME`.`order`"
"#,
    );
}

#[test]
fn transactions_show() {
    let Some((spans, database)) = start("transactions_show") else {
        return;
    };
    let mut connection = database.connect();
    connection
        .transaction(|connection| {
            let rolled_back: Result<(), _> = connection.transaction(|connection| {
                diesel::delete(rooms::table.find(1)).execute(connection)?;
                Err(Error::RollbackTransaction)
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
    let unset = |span: &SpanRecord| span.status == Status::Unset;
    assert!(spans.finished().iter().all(unset), "{}", spans.tree());
}

#[test]
fn errors_are_told_by_their_kind_and_without_values() {
    let Some((spans, database)) = start("errors_are_told_by_their_kind_and_without_values") else {
        return;
    };
    let mut connection = database.connect();
    let room = (rooms::id.eq(7), rooms::name.eq("secret"));
    let insert = || diesel::insert_into(rooms::table).values(room);
    insert().execute(&mut connection).expect("inserted");
    assert!(insert().execute(&mut connection).is_err());
    let booking = (bookings::id.eq(1), bookings::room_id.eq(99));
    let insert = diesel::insert_into(bookings::table).values(booking);
    assert!(insert.execute(&mut connection).is_err());
    for sql in [
        "INSERT INTO rooms (id, name) VALUES (8, NULL)",
        "SELEKT 'secret'",
        "SELECT secret FROM rooms",
        "SELECT 1 FROM nothing",
    ] {
        assert!(diesel::sql_query(sql).execute(&mut connection).is_err());
        assert!(connection.batch_execute(sql).is_err());
    }
    // One that comes with the rows.
    let sql = "SELECT (SELECT 1 UNION SELECT 2) AS id FROM rooms";
    assert!(diesel::sql_query(sql).load::<Id>(&mut connection).is_err());
    let none = rooms::table.find(99).select(rooms::id);
    assert_eq!(none.first::<i32>(&mut connection), Err(Error::NotFound));
    let told: Vec<_> = told(&spans)
        .iter()
        .map(|told| told.replace("MariaDB", "MySQL"))
        .collect();
    let syntax = "mysql: DatabaseError You have an error in your SQL syntax; check the manual that corresponds to your MySQL \
                  server version for the right syntax to use near ? at line 1";
    assert_eq!(
        told,
        [
            "INSERT rooms",
            "INSERT rooms: UniqueViolation Duplicate entry ?",
            "INSERT bookings: ForeignKeyViolation Cannot add or update a child row: a foreign key constraint fails (?))",
            "INSERT rooms: NotNullViolation Column ? cannot be null",
            // Of a text that is sent as it is, diesel does not tell the kind.
            "INSERT rooms: DatabaseError Column ? cannot be null",
            syntax,
            syntax,
            "SELECT rooms: DatabaseError Unknown column ?",
            "SELECT rooms: DatabaseError Unknown column ?",
            "SELECT nothing: DatabaseError Table ? doesn't exist",
            "SELECT nothing: DatabaseError Table ? doesn't exist",
            "SELECT SELECT rooms: DatabaseError Subquery returns more than 1 row",
            "SELECT rooms",
        ]
    );
}

#[derive(QueryableByName)]
struct Id {
    #[diesel(sql_type = Integer)]
    id: i32,
}

#[test]
fn statements_are_told_alike_prepared_or_not() {
    let Some((spans, database)) = start("statements_are_told_alike_prepared_or_not") else {
        return;
    };
    let mut connection = database.connect();
    for id in [1, 2] {
        let found = rooms::table
            .find(id)
            .first::<(i32, String, i32)>(&mut connection);
        assert_eq!(found, Err(Error::NotFound));
    }
    // Many rows in one statement, and many statements in one text.
    diesel::insert_into(rooms::table)
        .values(vec![
            (rooms::id.eq(1), rooms::name.eq("secret a")),
            (rooms::id.eq(2), rooms::name.eq("secret b")),
        ])
        .execute(&mut connection)
        .expect("inserted");
    connection
        .batch_execute(
            "UPDATE rooms SET name = \"it's secret\" WHERE id = 1; # secret\nSET @place = 42; DELETE FROM rooms WHERE id = 0x2A OR name = 'it''s \\'secret\\'' OR name = 'secret'",
        )
        .expect("executed");
    database.check(
        &spans,
        r#"
CLIENT SELECT rooms
    · db.query.summary = "SELECT rooms"
    · db.query.text = "SELECT `rooms`.`id`, `rooms`.`name`, `rooms`.`beds` FROM `rooms` WHERE (`rooms`.`id` = ?) LIMIT ?"
CLIENT SELECT rooms
    · db.query.summary = "SELECT rooms"
    · db.query.text = "SELECT `rooms`.`id`, `rooms`.`name`, `rooms`.`beds` FROM `rooms` WHERE (`rooms`.`id` = ?) LIMIT ?"
CLIENT INSERT rooms
    · db.query.summary = "INSERT rooms"
    · db.query.text = "INSERT INTO `rooms` (`id`, `name`) VALUES (?, ?), (?, ?)"
CLIENT UPDATE rooms SET DELETE rooms
    · db.query.summary = "UPDATE rooms SET DELETE rooms"
    · db.query.text = "UPDATE rooms SET name = ? WHERE id = ?; SET @place = ?; DELETE FROM rooms WHERE id = ? OR name = ?"
"#,
    );
}

#[test]
fn a_connection_that_was_cut_is_told() {
    let Some((spans, database)) = start("a_connection_that_was_cut_is_told") else {
        return;
    };
    let mut connection = database.connect();
    let Id { id } = diesel::sql_query("SELECT CAST(CONNECTION_ID() AS SIGNED) AS id")
        .get_result(&mut connection)
        .expect("an id");
    administrate(&format!("KILL {id}"));
    let query = diesel::sql_query("SELECT 2");
    assert!(query.execute(&mut connection).is_err());
    let [asked, cut] = &*told(&spans) else {
        panic!("two spans")
    };
    assert_eq!(asked, "SELECT");
    let lost = [
        "Lost connection to ",
        "MySQL server has gone away",
        "Server has gone away",
    ];
    let cause = cut.strip_prefix("SELECT: DatabaseError ").unwrap_or(cut);
    assert!(lost.iter().any(|lost| cause.starts_with(lost)), "{cut}");
}

#[test]
fn a_pool_leaves_no_spans_of_its_own() {
    let Some((spans, database)) = start("a_pool_leaves_no_spans_of_its_own") else {
        return;
    };
    let manager = ConnectionManager::<MysqlConnection>::new(&database.url);
    let pool = Pool::builder().max_size(1).build(manager).expect("a pool");
    let pool = TracedPool::for_url(pool, &database.url);
    for _ in 0..2 {
        let mut connection = pool.get().expect("a connection");
        connection.set_instrumentation(QuerySpans::for_url(&database.url));
        diesel::delete(rooms::table.find(1))
            .execute(&mut connection)
            .expect("deleted");
    }
    assert_eq!(names(&spans), ["DELETE rooms", "DELETE rooms"]);
}
