//! What is special about a PostgreSQL server.

use std::sync::Arc;

use demo_cleaning::{
    config::Database,
    shutdown::Shutdown,
    store::{Store, StoreError},
    tasks::{self, TaskError},
    worker,
};
use diesel::{Connection as _, PgConnection};
use diesel_migrations::{FileBasedMigrations, MigrationHarness};
use reqwest::StatusCode;
use serde_json::json;

use crate::{database::postgres, helpers::spawn_app_on};

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

#[tokio::test]
async fn a_database_that_went_away_is_used_again_when_it_is_back() {
    let Some(database) = postgres("a_database_that_went_away_is_used_again_when_it_is_back") else {
        return;
    };
    let app = spawn_app_on(database).await;
    app.database.shut();
    let answer = app.get("/api/v1/cleanings/").await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    app.database.open();
    let answer = app.get("/api/v1/cleanings/").await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
}

#[test]
fn a_database_that_is_not_there_is_told() {
    let Some(database) = postgres("a_database_that_is_not_there_is_told") else {
        return;
    };
    let url = format!("{}_not", database.url);
    let error = Store::set_up(&Database::parse(&url).unwrap()).unwrap_err();
    let told = error.to_string();
    assert!(told.starts_with("DATABASE_URL: "), "{told}");
    assert!(told.ends_with("_not\" does not exist"), "{told}");
}

#[tokio::test]
async fn a_message_waits_until_its_database_is_back() {
    let Some(database) = postgres("a_message_waits_until_its_database_is_back") else {
        return;
    };
    let app = spawn_app_on(database).await;
    app.database.shut();
    let booking = json!({"id": 7, "room": "Suite", "start": "2023-02-04", "end": "2023-02-06"});
    app.queue.send("booking.created", &booking).await.unwrap();
    let shutdown = Shutdown::new();
    let (store, queue, ending) = (app.store.clone(), app.queue.clone(), shutdown.clone());
    let database = Arc::clone(&app.database);
    let task = move |payload| {
        let task = tasks::booking_created(store.clone(), queue.clone(), payload);
        let (database, ending) = (Arc::clone(&database), ending.clone());
        async move {
            let outcome = task.await;
            match &outcome {
                Ok(()) => ending.request(),
                Err(TaskError::Store(StoreError::Pool(_))) => database.open(),
                Err(error) => assert!(error.is_outage(), "{error}"),
            }
            outcome
        }
    };
    let working = worker::run(&app.queue, "booking.created", &shutdown, task);
    working.await.unwrap();
    let message = app.queued("booking.created").pop().unwrap();
    assert_eq!((message.status.as_str(), message.attempts), ("Done", 1));
}
