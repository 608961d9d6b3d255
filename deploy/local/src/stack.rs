//! Both services and both workers, running together.

use std::{
    net::TcpListener,
    path::Path,
    process::{Command, ExitStatus},
    time::{Duration, Instant},
};

use anyhow::{Context, bail};
use reqwest::Client;

use crate::{binaries::Binaries, process::Process};

/// How long the processes may take until they answer.
const START_TIMEOUT: Duration = Duration::from_mins(1);

/// Where the two web services listen; 0 takes a free port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ports {
    /// The port of the booking service.
    pub dispo: u16,
    /// The port of the cleaning service.
    pub cleaning: u16,
}

impl Ports {
    /// Free ports, whichever the system gives.
    pub const ANY: Self = Self {
        dispo: 0,
        cleaning: 0,
    };

    /// Makes sure that nothing else listens there.
    ///
    /// # Errors
    ///
    /// A port is taken; the message tells which one, and how to choose another.
    pub fn check(self) -> anyhow::Result<()> {
        if self.dispo == self.cleaning && self.dispo != 0 {
            bail!(
                "both services cannot have port {}; choose another with --port-cleaning",
                self.dispo
            );
        }
        for (port, service, option) in [
            (self.dispo, "dispo", "--port-dispo"),
            (self.cleaning, "cleaning", "--port-cleaning"),
        ] {
            if let Err(error) = TcpListener::bind(("127.0.0.1", port)) {
                bail!(
                    "port {port} for {service} cannot be had: {error}\n\
                     Stop what listens there, or choose another port: cargo demo {option} {}",
                    if port == u16::MAX {
                        port - 10
                    } else {
                        port.saturating_add(10)
                    }
                );
            }
        }
        Ok(())
    }
}

/// What the processes find of telemetry in their environment.
#[derive(Clone, Debug)]
pub enum Telemetry {
    /// No variable at all.
    Off,
    /// Spans go to a collector of ours, by `protocol`, soon after they end.
    Collector {
        /// The value of `OTEL_EXPORTER_OTLP_ENDPOINT`.
        endpoint: String,
        /// The value of `OTEL_EXPORTER_OTLP_PROTOCOL`.
        protocol: &'static str,
    },
    /// Whatever the environment of this process says.
    Inherited,
}

/// What the services keep their data in.
#[derive(Clone, Debug)]
pub enum Databases {
    /// A file for each service, in the folder of the processes.
    Files,
    /// One database for both, of which this is the URL.
    Shared(String),
}

/// Four running processes, in a folder that holds their databases and logs.
#[derive(Debug)]
pub struct Stack {
    /// The web service that takes bookings.
    pub dispo: Process,
    /// Its worker.
    pub dispo_worker: Process,
    /// The web service that tells of cleanings.
    pub cleaning: Process,
    /// Its worker.
    pub cleaning_worker: Process,
    /// Where bookings are taken: `http://127.0.0.1:<port>`.
    pub dispo_url: String,
    /// Where cleanings are told: `http://127.0.0.1:<port>`.
    pub cleaning_url: String,
}

impl Stack {
    /// What the processes are called; each has a log of its name in the folder.
    pub const NAMES: [&str; 4] = ["dispo", "dispo-worker", "cleaning", "cleaning-worker"];

    /// Starts the four processes and waits until each is ready, at most a minute.
    ///
    /// # Errors
    ///
    /// One of them cannot be started, dies, or is not ready in time.
    pub async fn start(
        binaries: &Binaries,
        folder: &Path,
        ports: Ports,
        databases: &Databases,
        telemetry: &Telemetry,
    ) -> anyhow::Result<Self> {
        let start = |name, role| {
            let mut command = command(binaries, role, ports, telemetry);
            if let Databases::Shared(url) = databases {
                command.env("DATABASE_URL", url);
            }
            Process::start(name, &mut command, folder)
        };
        let mut dispo = start("dispo", Role::Dispo("serve"))?;
        let mut dispo_worker = start("dispo-worker", Role::Dispo("worker"))?;
        let mut cleaning = start("cleaning", Role::Cleaning("serve"))?;
        let mut cleaning_worker = start("cleaning-worker", Role::Cleaning("worker"))?;
        let dispo_url = dispo.wait_for_line("listening on ", START_TIMEOUT).await?;
        let cleaning_url = cleaning
            .wait_for_line("listening on ", START_TIMEOUT)
            .await?;
        for worker in [&mut dispo_worker, &mut cleaning_worker] {
            worker
                .wait_for_line("waiting for messages", START_TIMEOUT)
                .await?;
        }
        let mut stack = Self {
            dispo,
            dispo_worker,
            cleaning,
            cleaning_worker,
            dispo_url,
            cleaning_url,
        };
        stack.wait_until_healthy().await?;
        Ok(stack)
    }

    /// Makes sure that all four run.
    ///
    /// # Errors
    ///
    /// One of them has ended; the message holds the last lines it printed.
    pub fn check(&mut self) -> anyhow::Result<()> {
        self.dispo.check()?;
        self.dispo_worker.check()?;
        self.cleaning.check()?;
        self.cleaning_worker.check()
    }

    /// Asks all four to end, and tells of each how it did.
    ///
    /// # Errors
    ///
    /// The system does not tell how one of them ended.
    pub fn stop(self) -> anyhow::Result<Vec<(&'static str, ExitStatus)>> {
        let mut processes = [
            self.dispo,
            self.cleaning,
            self.cleaning_worker,
            self.dispo_worker,
        ];
        processes.iter_mut().for_each(Process::ask_to_end);
        processes
            .into_iter()
            .map(|process| Ok((process.name(), process.stop()?)))
            .collect()
    }

    async fn wait_until_healthy(&mut self) -> anyhow::Result<()> {
        let client = client()?;
        let give_up = Instant::now() + START_TIMEOUT;
        for url in [self.dispo_url.clone(), self.cleaning_url.clone()] {
            loop {
                let answer = client.get(format!("{url}/health")).send().await;
                if answer.is_ok_and(|answer| answer.status().is_success()) {
                    break;
                }
                self.check()?;
                if Instant::now() > give_up {
                    bail!("{url}/health did not answer within {START_TIMEOUT:?}");
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
        Ok(())
    }
}

/// What requests to the services are made with: no proxy stands between, and nothing waits for ever.
///
/// # Errors
///
/// The system lacks what a client needs.
pub fn client() -> anyhow::Result<Client> {
    Client::builder()
        .no_proxy()
        .timeout(Duration::from_secs(10))
        .build()
        .context("cannot make an HTTP client")
}

#[derive(Clone, Copy)]
enum Role {
    Dispo(&'static str),
    Cleaning(&'static str),
}

fn command(binaries: &Binaries, role: Role, ports: Ports, telemetry: &Telemetry) -> Command {
    let mut command = match role {
        Role::Dispo(role) => {
            let mut command = Command::new(&binaries.dispo);
            command.arg(role).env("DATABASE_URL", "sqlite://dispo.db");
            command
        }
        Role::Cleaning(role) => {
            let mut command = Command::new(&binaries.cleaning);
            command
                .arg(role)
                .env("DATABASE_URL", "sqlite://cleaning.db");
            command
        }
    };
    command
        .env("QUEUE_URL", "sqlite://queue.db")
        .env("DISPO_HOST", "127.0.0.1")
        .env("DISPO_PORT", ports.dispo.to_string())
        .env("CLEANING_HOST", "127.0.0.1")
        .env("CLEANING_PORT", ports.cleaning.to_string())
        // The lines of the log tell when a process is ready.
        .env("RUST_LOG", "info");
    match telemetry {
        Telemetry::Off => without_otel(&mut command),
        Telemetry::Collector { endpoint, protocol } => {
            without_otel(&mut command);
            command
                .env("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint)
                .env("OTEL_EXPORTER_OTLP_PROTOCOL", protocol)
                .env("OTEL_BSP_SCHEDULE_DELAY", SCHEDULE_DELAY_MS)
                .env("NO_PROXY", "127.0.0.1");
        }
        Telemetry::Inherited => {
            // One name for four processes would hide which of them did what.
            command.env_remove("OTEL_SERVICE_NAME");
            if std::env::var_os("OTEL_BSP_SCHEDULE_DELAY").is_none() {
                command.env("OTEL_BSP_SCHEDULE_DELAY", SCHEDULE_DELAY_MS);
            }
        }
    }
    command
}

/// Spans leave after this time, not after the five seconds of the default: somebody waits for them.
const SCHEDULE_DELAY_MS: &str = "100";

fn without_otel(command: &mut Command) {
    for (variable, _) in std::env::vars_os() {
        if variable.to_string_lossy().starts_with("OTEL_") {
            command.env_remove(variable);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_taken_port_is_told_with_what_to_do() {
        let taken = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let port = taken.local_addr().unwrap().port();
        let error = Ports {
            dispo: 0,
            cleaning: port,
        }
        .check()
        .unwrap_err()
        .to_string();
        assert!(
            error.starts_with(&format!("port {port} for cleaning cannot be had")),
            "{error}"
        );
        assert!(error.contains("cargo demo --port-cleaning "), "{error}");
    }

    #[test]
    fn two_services_need_two_ports() {
        let error = Ports {
            dispo: 8080,
            cleaning: 8080,
        }
        .check()
        .unwrap_err();
        assert!(error.to_string().contains("--port-cleaning"), "{error}");
    }
}
