//! SIGKILL: no booking is lost, none is cleaned after twice, and every span that arrives has its parent.

use std::collections::BTreeMap;

use demo_local::stack::{Role, Setting};
use opentelemetry::trace::Status;

use crate::{
    Running,
    clients::{Attempt, Clients, Outcome, assert_all_planned},
    on_servers,
    servers::tell,
    traces::Traces,
};

/// What the journal of a process says of a span that was open.
const INTERRUPTED: &str = "the process ended before the span did";

#[tokio::test(flavor = "multi_thread")]
async fn each_process_is_killed_in_files() {
    let running = Running::start(Setting::in_files).await;
    check("each_process_is_killed_in_files", 100, running).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn each_process_is_killed_on_servers() {
    let test = "each_process_is_killed_on_servers";
    on_servers(test, async |running| check(test, 1000, running).await).await;
}

async fn check(test: &str, bookings: u32, mut running: Running) {
    let stack = &mut running.stack;
    let clients = Clients::start(&stack.dispo_url, bookings);
    for (turn, role) in (1..).zip(Role::ALL) {
        clients.wait_until_done(bookings * turn / 5).await;
        stack.process(role).kill().unwrap();
        stack.start_again(role).await.unwrap();
    }
    let attempts = clients.finish().await;
    assert_all_planned(&stack.dispo_url, &stack.cleaning_url, bookings).await;
    // From here on nothing is killed, and what ends well loses nothing.
    for (name, status) in running.stack.stop().unwrap() {
        assert!(status.success(), "{name}: {status}");
    }

    let traces = Traces::new(running.collector.spans());
    assert_eq!(running.collector.dropped(), 0);
    let attempts: BTreeMap<_, _> = attempts
        .iter()
        .map(|attempt| (attempt.trace.as_str(), attempt))
        .collect();
    let orphans = traces.orphans();
    let names = || orphans.iter().map(|span| (span.service_name(), &span.name));
    assert!(
        orphans.is_empty(),
        "without a parent: {:?}",
        names().collect::<Vec<_>>()
    );
    let all = || traces.by_id.values().flatten();
    let interrupted = all()
        .filter(|span| span.status == Status::error(INTERRUPTED))
        .count();
    let count = |wanted: Outcome| {
        let same = |attempt: &&&Attempt| attempt.outcome == wanted;
        attempts.values().filter(same).count()
    };
    tell(&format!(
        "{test}: {} spans of {bookings} bookings, {interrupted} of them open at a kill, {} twice; \
         requests cut: {}, of those stored: {}",
        all().count(),
        traces.twice(),
        count(Outcome::Cut),
        count(Outcome::Taken),
    ));
}
