//! Clients that book until each booking is answered, several at once.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};

use demo_local::{booking, stack::client};
use reqwest::{Client, StatusCode};
use serde_json::Value;
use tokio::task::JoinSet;

use crate::PATIENCE;

/// How many bookings are under way at once.
const AT_ONCE: u32 = 8;

/// The pause of a client that found nobody who answers.
const PAUSE: Duration = Duration::from_millis(20);

/// The span of the caller, which nobody sends to the collector.
pub(crate) const CALLER: &str = "b7ad6b7169203331";

/// What a client sees of one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It is stored.
    Booked,
    /// The room is taken, which is by this booking, if an earlier request for it was cut off.
    Taken,
    /// Another answer.
    Failed(StatusCode),
    /// There was no connection, so nothing was sent.
    Refused,
    /// The connection ended without an answer.
    Cut,
}

/// One request.
#[derive(Clone, Debug)]
pub(crate) struct Attempt {
    /// The trace that it began.
    pub(crate) trace: String,
    pub(crate) outcome: Outcome,
}

/// Clients at work.
pub(crate) struct Clients {
    tasks: JoinSet<Vec<Attempt>>,
    done: Arc<AtomicU32>,
}

impl Clients {
    /// Begins with so many bookings at the service at `url`.
    pub(crate) fn start(url: &str, bookings: u32) -> Self {
        let done = Arc::new(AtomicU32::new(0));
        let next = Arc::new(AtomicU32::new(0));
        let mut tasks = JoinSet::new();
        for _ in 0..AT_ONCE {
            let (done, next) = (Arc::clone(&done), Arc::clone(&next));
            // Of its own, so that it has one connection.
            let client = client().unwrap();
            let url = format!("{url}/api/v1/bookings/");
            tasks.spawn(async move {
                let mut attempts = Vec::new();
                loop {
                    let booking = next.fetch_add(1, Ordering::Relaxed);
                    if booking >= bookings {
                        return attempts;
                    }
                    book(&client, &url, booking, &mut attempts).await;
                    done.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        Self { tasks, done }
    }

    /// Waits until so many bookings are answered.
    pub(crate) async fn wait_until_done(&self, bookings: u32) {
        let give_up = Instant::now() + PATIENCE;
        loop {
            let done = self.done.load(Ordering::Relaxed);
            if done >= bookings {
                return;
            }
            assert!(Instant::now() < give_up, "{done} bookings of {bookings}");
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// Waits until all are answered, and tells all that was tried.
    pub(crate) async fn finish(mut self) -> Vec<Attempt> {
        let mut attempts = Vec::new();
        while let Some(done) = self.tasks.join_next().await {
            attempts.extend(done.unwrap());
        }
        attempts
    }
}

/// Asks for a booking until it is known to be stored.
async fn book(client: &Client, url: &str, booking: u32, attempts: &mut Vec<Attempt>) {
    let give_up = Instant::now() + PATIENCE;
    let mut was_cut = false;
    for attempt in 1.. {
        let trace = format!("{:016x}{attempt:016x}", booking + 1);
        let outcome = ask(client, url, booking, &trace).await;
        attempts.push(Attempt { trace, outcome });
        match outcome {
            Outcome::Booked => return,
            Outcome::Taken => {
                assert!(was_cut, "booking {booking} is taken by another");
                return;
            }
            Outcome::Cut => was_cut = true,
            Outcome::Failed(_) | Outcome::Refused => tokio::time::sleep(PAUSE).await,
        }
        assert!(Instant::now() < give_up, "{:?}", attempts.last());
    }
}

async fn ask(client: &Client, url: &str, booking: u32, trace: &str) -> Outcome {
    let request = client
        .post(url)
        .header("content-type", "application/json")
        .header("traceparent", format!("00-{trace}-{CALLER}-01"))
        .body(booking::nth(booking));
    let answer = match request.send().await {
        Ok(answer) => answer,
        Err(error) if error.is_connect() => return Outcome::Refused,
        Err(_) => return Outcome::Cut,
    };
    let status = answer.status();
    match answer.json::<Value>().await {
        Err(_) => Outcome::Cut,
        Ok(_) if status == StatusCode::OK => Outcome::Booked,
        Ok(_) if status == StatusCode::CONFLICT => Outcome::Taken,
        Ok(_) => Outcome::Failed(status),
    }
}

/// Waits until each stored booking is marked as planned; there are so many, each with one cleaning.
pub(crate) async fn assert_all_planned(dispo_url: &str, cleaning_url: &str, bookings: u32) {
    let client = client().unwrap();
    let list = async |url: String| {
        let answer = client.get(url).send().await.unwrap();
        answer.json::<Vec<Value>>().await.unwrap()
    };
    let give_up = Instant::now() + PATIENCE;
    let stored = loop {
        let stored = list(format!("{dispo_url}/api/v1/bookings/")).await;
        let open = stored
            .iter()
            .filter(|booking| booking["cleaning_planned"] != true)
            .count();
        if open == 0 {
            break stored;
        }
        assert!(Instant::now() < give_up, "{open} bookings are not planned");
        tokio::time::sleep(PAUSE * 10).await;
    };
    assert_eq!(stored.len(), bookings as usize, "each is stored once");
    let mut booked: Vec<_> = stored
        .iter()
        .map(|booking| booking["id"].as_i64())
        .collect();
    let cleanings = list(format!("{cleaning_url}/api/v1/cleanings/")).await;
    let mut cleaned: Vec<_> = cleanings
        .iter()
        .map(|cleaning| cleaning["booking_id"].as_i64())
        .collect();
    booked.sort_unstable();
    cleaned.sort_unstable();
    assert_eq!(booked, cleaned, "each booking has one cleaning");
}
