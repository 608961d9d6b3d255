//! SIGTERM: what was accepted is finished, and every span arrives.

use std::time::{Duration, Instant};

use demo_local::{
    booking,
    stack::{JOURNAL, Role, Setting},
};

use crate::{
    Running,
    clients::{Clients, Outcome, assert_all_planned},
    log, on_servers,
    servers::tell,
    traces::Traces,
};

/// How long a process may take to end, of what an orchestrator gives it.
const LONGEST_END: Duration = Duration::from_secs(10);

#[tokio::test(flavor = "multi_thread")]
async fn each_process_ends_well_in_files() {
    let running = Running::start(Setting::in_files).await;
    check("each_process_ends_well_in_files", 100, running).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn each_process_ends_well_on_servers() {
    let test = "each_process_ends_well_on_servers";
    on_servers(test, async |running| check(test, 1000, running).await).await;
}

async fn check(test: &str, bookings: u32, mut running: Running) {
    let stack = &mut running.stack;
    let clients = Clients::start(&stack.dispo_url, bookings);
    let mut ends = Vec::new();
    for (turn, role) in (1..).zip(Role::ALL) {
        clients.wait_until_done(bookings * turn / 5).await;
        let process = stack.process(role);
        process.ask_to_end();
        let asked = Instant::now();
        let ended = tokio::time::timeout(LONGEST_END, process.ended()).await;
        let status = ended
            .unwrap_or_else(|_| panic!("{} runs after {LONGEST_END:?}", role.name()))
            .unwrap();
        assert!(status.success(), "{}: {status}", role.name());
        ends.push(format!("{} {:?}", role.name(), asked.elapsed()));
        stack.start_again(role).await.unwrap();
    }
    let attempts = clients.finish().await;
    assert_all_planned(&stack.dispo_url, &stack.cleaning_url, bookings).await;
    for (name, status) in running.stack.stop().unwrap() {
        assert!(status.success(), "{name}: {status}");
    }

    for role in Role::ALL {
        let log = log(running.folder.path(), role);
        for word in ["ERROR", "panicked", "OpenTelemetry", "otel-runtime"] {
            assert!(!log.contains(word), "{}:\n{log}", role.name());
        }
    }
    let traces = Traces::new(running.collector.spans());
    assert_eq!(running.collector.dropped(), 0);
    let orphans = traces.orphans();
    assert!(orphans.is_empty(), "{} have no parent", orphans.len());
    assert_eq!(traces.twice(), 0);
    let journals = running.folder.path().join(JOURNAL);
    assert_eq!(std::fs::read_dir(journals).unwrap().count(), 0);
    let mut cut = 0;
    for attempt in &attempts {
        let trace = traces.by_id.get(&attempt.trace);
        match attempt.outcome {
            Outcome::Booked => {
                let trace = trace.map(Vec::as_slice).unwrap_or_default();
                assert_eq!(booking::missing(trace), [""; 0], "{attempt:?}");
            }
            // A connection that is just being made when the service closes its door is closed with it. Nothing has looked
            // at the request then.
            Outcome::Cut => {
                cut += 1;
                assert!(trace.is_none(), "begun and not answered: {attempt:?}");
            }
            Outcome::Refused => assert!(trace.is_none(), "{attempt:?}"),
            Outcome::Taken | Outcome::Failed(_) => panic!("{attempt:?}"),
        }
    }
    let spans: usize = traces.by_id.values().map(Vec::len).sum();
    tell(&format!(
        "{test}: {spans} spans of {bookings} bookings, {cut} requests met a closing connection; ended: {}",
        ends.join(", ")
    ));
}
