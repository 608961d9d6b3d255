//! The processes end, by SIGTERM or by SIGKILL, while bookings come in. What was promised to the clients is kept.

#![cfg(unix)]

mod clients;
mod kill;
#[path = "../servers/mod.rs"]
mod servers;
mod terminate;
mod traces;

use std::{path::Path, time::Duration};

use demo_local::{
    binaries::Binaries,
    stack::{Ports, Role, Setting, Stack, Telemetry},
};
use otel_runtime::testing::Collector;
use servers::Servers;
use tokio::sync::{Mutex, MutexGuard, OnceCell};

/// How long anything may take that comes sooner or later.
const PATIENCE: Duration = Duration::from_secs(90);

/// All tests run the same programs.
static BINARIES: OnceCell<Binaries> = OnceCell::const_new();

/// Two loads at once would only slow each other down.
static TURN: Mutex<()> = Mutex::const_new(());

/// Room for all spans of the largest test.
const SPANS: std::num::NonZeroUsize = std::num::NonZeroUsize::new(1 << 17).unwrap();

/// Four processes whose spans are collected.
struct Running {
    stack: Stack,
    collector: Collector,
    folder: tempfile::TempDir,
    _turn: MutexGuard<'static, ()>,
}

impl Running {
    /// Starts the processes with what `setting` chooses, where those that follow them can listen too.
    async fn start(setting: impl FnOnce(Ports, Telemetry) -> Setting) -> Self {
        let turn = TURN.lock().await;
        let folder = tempfile::tempdir().unwrap();
        let build = || async { Binaries::build(folder.path()).await.unwrap() };
        let binaries = BINARIES.get_or_init(build).await;
        let collector = Collector::with_capacity(SPANS).unwrap();
        let telemetry = Telemetry::collector(collector.http_endpoint(), "http/protobuf");
        let setting = setting(Ports::to_keep().unwrap(), telemetry);
        let stack = Stack::start(binaries, folder.path(), setting)
            .await
            .unwrap();
        Self {
            stack,
            collector,
            folder,
            _turn: turn,
        }
    }
}

/// Runs `check` on the servers, where there are some; it gives no message up.
async fn on_servers(test: &str, check: impl AsyncFnOnce(Running)) {
    let Some(servers) = Servers::from_env(test).await else {
        return;
    };
    check(Running::start(|ports, telemetry| servers.setting(ports, telemetry)).await).await;
    assert_eq!(servers.broker.given_up().await.unwrap(), 0);
    servers.broker.release().await.unwrap();
}

/// All that the processes of this role printed, one after the other.
fn log(folder: &Path, role: Role) -> String {
    std::fs::read_to_string(folder.join(format!("{}.log", role.name()))).unwrap()
}
