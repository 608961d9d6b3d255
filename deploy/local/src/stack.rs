//! Both services and both workers, running together.

use std::{
    net::TcpListener,
    path::{Path, PathBuf},
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

    /// Free ports that the system gives only to who asks for them by number, so that a process can have those of its
    /// predecessor.
    ///
    /// # Errors
    ///
    /// There are none.
    pub fn to_keep() -> anyhow::Result<Self> {
        // Systems choose from 32768 or 49152 on. Processes begin to look at different places.
        let begin = u16::try_from(std::process::id() % 5000)? * 2;
        let mut free = (0..10_000)
            .map(|n| 20_000 + (begin + n) % 10_000)
            .filter(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok());
        let mut next = || free.next().context("no port from 20000 to 29999 is free");
        Ok(Self {
            dispo: next()?,
            cleaning: next()?,
        })
    }

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
    /// These `OTEL_` variables and no others.
    Variables(Vec<(&'static str, String)>),
    /// Whatever the environment of this process says.
    Inherited,
}

impl Telemetry {
    /// No variable at all.
    pub const OFF: Self = Self::Variables(Vec::new());

    /// Spans go to a collector of ours at `endpoint`, by `protocol` (as in `OTEL_EXPORTER_OTLP_PROTOCOL`), soon after they
    /// end. Journals of them are in the folder of the processes.
    #[must_use]
    pub fn collector(endpoint: String, protocol: &str) -> Self {
        Self::Variables(vec![
            ("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint),
            ("OTEL_EXPORTER_OTLP_PROTOCOL", protocol.to_owned()),
            ("OTEL_BSP_SCHEDULE_DELAY", SCHEDULE_DELAY_MS.to_owned()),
            ("OTEL_RUNTIME_JOURNAL", JOURNAL.to_owned()),
        ])
    }
}

/// Spans leave after this time, not after the five seconds of the default: somebody waits for them.
const SCHEDULE_DELAY_MS: &str = "100";

/// The folder of the journals, in that of the processes.
pub const JOURNAL: &str = "journal";

/// What the services keep their data in.
#[derive(Clone, Debug)]
pub enum Databases {
    /// A file for each service, in the folder of the processes.
    Files,
    /// One database for both, of which this is the URL.
    Shared(String),
}

/// What the services send each other messages through.
#[derive(Clone, Debug)]
pub enum Queues {
    /// A file in the folder of the processes.
    File,
    /// A broker, of which this is the URL.
    Broker(String),
}

/// What the four processes are started with.
#[derive(Clone, Debug)]
pub struct Setting {
    /// Where the web services listen.
    pub ports: Ports,
    /// What they keep their data in.
    pub databases: Databases,
    /// What they send each other messages through.
    pub queues: Queues,
    /// What becomes of their spans.
    pub telemetry: Telemetry,
}

impl Setting {
    /// Files in the folder of the processes, so that nothing else need be there.
    #[must_use]
    pub fn in_files(ports: Ports, telemetry: Telemetry) -> Self {
        Self {
            ports,
            databases: Databases::Files,
            queues: Queues::File,
            telemetry,
        }
    }
}

/// One of the four processes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// The web service that takes bookings.
    Dispo,
    /// Its worker.
    DispoWorker,
    /// The web service that tells of cleanings.
    Cleaning,
    /// Its worker.
    CleaningWorker,
}

impl Role {
    /// All four.
    pub const ALL: [Self; 4] = [
        Self::Dispo,
        Self::DispoWorker,
        Self::Cleaning,
        Self::CleaningWorker,
    ];

    /// What the process is called, on its spans too; a log of this name is in the folder.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Dispo => "dispo",
            Self::DispoWorker => "dispo-worker",
            Self::Cleaning => "cleaning",
            Self::CleaningWorker => "cleaning-worker",
        }
    }

    /// The line that it prints once it is ready begins with this.
    const fn is_ready(self) -> &'static str {
        match self {
            Self::Dispo | Self::Cleaning => "listening on ",
            Self::DispoWorker | Self::CleaningWorker => "waiting for messages",
        }
    }
}

/// Four running processes, in a folder that holds their databases and logs.
#[derive(Debug)]
pub struct Stack {
    /// In the order of [`Role::ALL`], and then those beside them.
    processes: Vec<Process>,
    /// Where bookings are taken: `http://127.0.0.1:<port>`.
    pub dispo_url: String,
    /// Where cleanings are told: `http://127.0.0.1:<port>`.
    pub cleaning_url: String,
    binaries: Binaries,
    folder: PathBuf,
    setting: Setting,
}

impl Stack {
    /// Starts the four processes, and waits for each until it is ready, at most a minute.
    ///
    /// # Errors
    ///
    /// One of them cannot be started, dies, or is not ready in time.
    pub async fn start(
        binaries: &Binaries,
        folder: &Path,
        setting: Setting,
    ) -> anyhow::Result<Self> {
        let mut processes = Vec::new();
        let mut told = Vec::new();
        // One after the other: RabbitMQ 3.10 ends the connection of who consumes from a quorum queue that another is
        // just declaring. A worker tries again, but says that something failed.
        for role in Role::ALL {
            let mut command = command(binaries, role, &setting);
            let mut process = Process::start(role.name(), &mut command, folder)?;
            told.push(
                process
                    .wait_for_line(role.is_ready(), START_TIMEOUT)
                    .await?,
            );
            processes.push(process);
        }
        let url = |role| told[role as usize].clone();
        let mut stack = Self {
            processes,
            dispo_url: url(Role::Dispo),
            cleaning_url: url(Role::Cleaning),
            binaries: binaries.clone(),
            folder: folder.to_owned(),
            setting,
        };
        stack.wait_until_healthy().await?;
        Ok(stack)
    }

    /// The process of this role.
    pub fn process(&mut self, role: Role) -> &mut Process {
        &mut self.processes[role as usize]
    }

    /// Starts the process of this role anew, whose predecessor has ended, and waits until it is ready.
    ///
    /// It listens where its predecessor did if [`Setting::ports`] said where.
    ///
    /// # Errors
    ///
    /// It cannot be started, dies, or is not ready in time.
    pub async fn start_again(&mut self, role: Role) -> anyhow::Result<()> {
        let mut command = command(&self.binaries, role, &self.setting);
        let mut process = Process::start(role.name(), &mut command, &self.folder)?;
        process
            .wait_for_line(role.is_ready(), START_TIMEOUT)
            .await?;
        self.processes[role as usize] = process;
        self.wait_until_healthy().await
    }

    /// Starts another process of this role, called `name`, whose telemetry is told by `telemetry`, and waits until it is
    /// ready. It shares databases and queues with the others, and ends with them.
    ///
    /// What it gives is its id, and the rest of the line that it printed: where it listens, if it does.
    ///
    /// # Errors
    ///
    /// It cannot be started, dies, or is not ready in time.
    pub async fn start_beside(
        &mut self,
        role: Role,
        name: &'static str,
        telemetry: Telemetry,
    ) -> anyhow::Result<(u32, String)> {
        let setting = Setting {
            ports: Ports::ANY,
            telemetry,
            ..self.setting.clone()
        };
        let mut command = command(&self.binaries, role, &setting);
        let mut process = Process::start(name, &mut command, &self.folder)?;
        let told = process
            .wait_for_line(role.is_ready(), START_TIMEOUT)
            .await?;
        let id = process.id();
        self.processes.push(process);
        Ok((id, told))
    }

    /// Makes sure that all of them run.
    ///
    /// # Errors
    ///
    /// One of them has ended; the message holds the last lines it printed.
    pub fn check(&mut self) -> anyhow::Result<()> {
        self.processes.iter_mut().try_for_each(Process::check)
    }

    /// Asks all of them to end, and tells of each how it did.
    ///
    /// # Errors
    ///
    /// The system does not tell how one of them ended.
    pub fn stop(mut self) -> anyhow::Result<Vec<(&'static str, ExitStatus)>> {
        self.processes.iter_mut().for_each(Process::ask_to_end);
        self.processes
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

fn command(binaries: &Binaries, role: Role, setting: &Setting) -> Command {
    let (program, argument, database) = match role {
        Role::Dispo => (&binaries.dispo, "serve", "sqlite://dispo.db"),
        Role::DispoWorker => (&binaries.dispo, "worker", "sqlite://dispo.db"),
        Role::Cleaning => (&binaries.cleaning, "serve", "sqlite://cleaning.db"),
        Role::CleaningWorker => (&binaries.cleaning, "worker", "sqlite://cleaning.db"),
    };
    let database = match &setting.databases {
        Databases::Files => database,
        Databases::Shared(url) => url,
    };
    let queue = match &setting.queues {
        Queues::File => "sqlite://queue.db",
        Queues::Broker(url) => url,
    };
    let mut command = Command::new(program);
    command
        .arg(argument)
        .env("DATABASE_URL", database)
        .env("QUEUE_URL", queue)
        .env("DISPO_HOST", "127.0.0.1")
        .env("DISPO_PORT", setting.ports.dispo.to_string())
        .env("CLEANING_HOST", "127.0.0.1")
        .env("CLEANING_PORT", setting.ports.cleaning.to_string())
        // The lines of the log tell when a process is ready. The broker's client would tell of its own spans.
        .env("RUST_LOG", "info,tracing::span=warn");
    match &setting.telemetry {
        Telemetry::Variables(variables) => {
            without_otel(&mut command);
            command
                .envs(variables.iter().map(|(name, value)| (name, value)))
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
