//! What is special about a PostgreSQL server: bookings at the same time, and that it may go away and come back.

use std::{
    net::TcpListener,
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use demo_dispo::{
    config::Database,
    store::{self, Connection, Store, StoreError},
};
use diesel::{Connection as _, PgConnection, connection::SimpleConnection};
use diesel_migrations::{FileBasedMigrations, MigrationHarness};
use otel_runtime::testing::{Detail, tree};
use reqwest::StatusCode;
use tokio::task::JoinSet;

use crate::{database::postgres, helpers::spawn_app_on};

/// More than the pool has connections.
const AT_ONCE: usize = 24;

const BOOKING: &str = r#"{"room_id": 1, "start": "2023-02-04", "end": "2023-02-06"}"#;

#[test]
fn what_goes_up_comes_down() {
    let Some(database) = postgres("what_goes_up_comes_down") else {
        return;
    };
    let mut connection = PgConnection::establish(&database.url).unwrap();
    for _ in 0..2 {
        let migrations = || FileBasedMigrations::from_path("migrations/postgres").unwrap();
        let up = connection.run_pending_migrations(migrations()).unwrap();
        assert!(!up.is_empty());
        let down = connection.revert_all_migrations(migrations()).unwrap();
        assert!(!down.is_empty());
    }
}

#[test]
fn many_may_set_up_a_new_database_at_once() {
    let Some(database) = postgres("many_may_set_up_a_new_database_at_once") else {
        return;
    };
    let url = Database::parse(&database.url).unwrap();
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| Store::set_up(&url).unwrap());
        }
    });
    Store::open(&url).unwrap().run(store::check).unwrap();
}

#[test]
fn a_server_that_does_not_answer_is_told_in_time() {
    let silent = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let address = silent.local_addr().unwrap();
    let url = format!("postgres://alice:secret@{address}/rooms?connect_timeout=2");
    let start = Instant::now();
    let error = Store::set_up(&Database::parse(&url).unwrap()).unwrap_err();
    assert!(start.elapsed() < Duration::from_secs(30));
    let told = error.to_string();
    assert!(
        told.starts_with(&format!(
            "DATABASE_URL: cannot set up the database {address}/rooms: "
        )),
        "{told}"
    );
    assert!(!told.contains("secret"), "{told}");
}

#[tokio::test]
async fn of_many_overlapping_bookings_one_succeeds() {
    let Some(database) = postgres("of_many_overlapping_bookings_one_succeeds") else {
        return;
    };
    // Another default of the server must not let two in.
    database.change(
        "DO $$ BEGIN EXECUTE format(\
            'ALTER DATABASE %I SET default_transaction_isolation = ''repeatable read''', current_database()); END $$",
    );
    let app = Arc::new(spawn_app_on(database).await);
    let mut requests = JoinSet::new();
    for number in 0..AT_ONCE {
        let app = Arc::clone(&app);
        let body = format!(
            r#"{{"room_id": 1, "start": "2023-02-{:02}", "end": "2023-02-20"}}"#,
            1 + number % 10
        );
        requests.spawn(async move { app.book(&body).await.status.as_u16() });
    }
    let statuses = requests.join_all().await;
    let count = |status| statuses.iter().filter(|found| **found == status).count();
    assert_eq!((count(200), count(409)), (1, AT_ONCE - 1), "{statuses:?}");
    let stored = app.get("/api/v1/bookings/").await.json();
    assert_eq!(stored.as_array().unwrap().len(), 1, "{stored}");
}

#[tokio::test]
async fn the_database_itself_lets_no_two_bookings_overlap() {
    let Some(database) = postgres("the_database_itself_lets_no_two_bookings_overlap") else {
        return;
    };
    let app = spawn_app_on(database).await;
    assert_eq!(app.book(BOOKING).await.status, StatusCode::OK);
    let insert = |room, start| {
        app.store.run::<_, StoreError>(|connection| match connection {
            Connection::Sqlite(_) => panic!("not a server"),
            Connection::Postgres(connection) => Ok(connection.batch_execute(&format!(
                "INSERT INTO bookings (room_id, start, \"end\") VALUES ({room}, '{start}', '2023-02-28')"
            ))?),
        })
    };
    let refused = insert(1, "2023-02-05").unwrap_err().to_string();
    assert!(refused.contains("bookings_do_not_overlap"), "{refused}");
    insert(1, "2023-02-06").unwrap();
    insert(2, "2023-02-05").unwrap();
}

#[tokio::test]
async fn a_booking_shows_its_transaction() {
    let Some(database) = postgres("a_booking_shows_its_transaction") else {
        return;
    };
    let app = spawn_app_on(database).await;
    let spans = app.book(BOOKING).await.spans().await;
    assert_eq!(
        tree(&spans, Detail::NAMES),
        "SERVER POST /api/v1/bookings/\n  \
           INTERNAL booking.create\n    \
             CLIENT BEGIN\n    \
             CLIENT SELECT rooms\n    \
             CLIENT SELECT bookings\n    \
             CLIENT INSERT bookings\n    \
             CLIENT INSERT outbox\n    \
             CLIENT COMMIT\n    \
             PRODUCER send booking.created\n    \
             CLIENT DELETE outbox"
    );
    let insert = spans
        .iter()
        .find(|span| span.name == "INSERT bookings")
        .unwrap();
    let told = |key| insert.attribute(key).map(ToString::to_string);
    assert_eq!(told("db.system.name").as_deref(), Some("postgresql"));
    let address = told("server.address").unwrap();
    assert!(app.database.url.contains(&address), "{address}");
    assert!(app.database.url.ends_with(&told("db.namespace").unwrap()));
    let refused = app.book(BOOKING).await.tree().await;
    assert!(refused.ends_with("CLIENT ROLLBACK"), "{refused}");
}

#[tokio::test]
async fn a_database_that_went_away_is_used_again_when_it_is_back() {
    let Some(database) = postgres("a_database_that_went_away_is_used_again_when_it_is_back") else {
        return;
    };
    let app = spawn_app_on(database).await;
    assert_eq!(app.book(BOOKING).await.status, StatusCode::OK);

    app.database.shut();
    let answer = app.get("/api/v1/bookings/").await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(answer.text, r#"{"detail":"Service Unavailable"}"#);
    assert_eq!(
        answer.tree().await,
        "SERVER GET /api/v1/bookings/ ERROR\n  \
           INTERNAL wait for connection ERROR: timed out waiting for connection: \
           FATAL:  database ? is not currently accepting connections"
    );

    app.database.open();
    let answer = app.get("/api/v1/bookings/1").await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
}

#[tokio::test]
async fn connections_that_were_cut_are_replaced_unnoticed() {
    let Some(database) = postgres("connections_that_were_cut_are_replaced_unnoticed") else {
        return;
    };
    let app = spawn_app_on(database).await;
    for _ in 0..3 {
        app.database.shut();
        app.database.open();
        assert_eq!(app.get("/api/v1/rooms/").await.status, StatusCode::OK);
    }
}
