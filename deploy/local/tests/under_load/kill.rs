//! SIGKILL: no booking is lost, none is cleaned after twice, and only what a process had not sent yet is missing in
//! traces.

use std::{collections::BTreeMap, time::Duration};

use demo_local::stack::{Role, Setting};

use crate::{
    Running,
    clients::{Attempt, Clients, Outcome, assert_all_planned, now},
    on_servers,
    servers::tell,
    traces::{Orphan, Traces},
};

/// What a process did so shortly before it was killed may not have left it: a tenth of a second goes by before it sends
/// spans, and the sending takes what it takes on a busy machine.
const LAST_MOMENTS: Duration = Duration::from_secs(2);

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

/// A process of this role was killed.
struct Kill {
    role: Role,
    unix_nanos: u64,
}

async fn check(test: &str, bookings: u32, mut running: Running) {
    let stack = &mut running.stack;
    let clients = Clients::start(&stack.dispo_url, bookings);
    let mut kills = Vec::new();
    for (turn, role) in (1..).zip(Role::ALL) {
        clients.wait_until_done(bookings * turn / 5).await;
        stack.process(role).kill().unwrap();
        kills.push(Kill {
            role,
            unix_nanos: now(),
        });
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
    let mut lost: BTreeMap<_, usize> = BTreeMap::new();
    for orphan in traces.orphans() {
        let parent = orphan.parent_service().to_owned();
        assert!(
            kills
                .iter()
                .any(|kill| kill.explains(&orphan, attempts.get(orphan.trace).copied())),
            "{parent} lost the parent of {:?} at no kill: {:?}",
            orphan.span,
            attempts.get(orphan.trace),
        );
        *lost.entry(parent).or_default() += 1;
    }
    let spans: usize = traces.by_id.values().map(Vec::len).sum();
    let count = |wanted: Outcome| {
        let same = |attempt: &&&Attempt| attempt.outcome == wanted;
        attempts.values().filter(same).count()
    };
    tell(&format!(
        "{test}: {spans} spans of {bookings} bookings; without a parent, by who lost it: {lost:?}; \
         requests cut: {}, of those stored: {}",
        count(Outcome::Cut),
        count(Outcome::Taken),
    ));
}

impl Kill {
    /// Whether the parent of `orphan` was in the memory of this process when it was killed.
    fn explains(&self, orphan: &Orphan<'_>, attempt: Option<&Attempt>) -> bool {
        let last_moments = u64::try_from(LAST_MOMENTS.as_nanos()).unwrap();
        let since = self.unix_nanos - last_moments;
        if orphan.parent_service() != self.role.name() {
            return false;
        }
        let span = orphan.span;
        match (self.role, span.service_name()) {
            // All that this service does for a booking it does within the request; what is left over, its successor does.
            (Role::Dispo, _) => attempt.is_some_and(|attempt| {
                attempt.sent_unix_nanos <= self.unix_nanos && attempt.ended_unix_nanos >= since
            }),
            // A child ends before its parent.
            (role, Some(service)) if service == role.name() => {
                span.start_unix_nanos <= self.unix_nanos && span.end_unix_nanos >= since
            }
            // A message is processed after it was sent.
            _ => span.end_unix_nanos >= since,
        }
    }
}
