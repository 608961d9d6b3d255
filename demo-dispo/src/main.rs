//! `demo-dispo` runs the web service, `demo-dispo worker` the worker.

use std::{env, process::ExitCode, time::Duration};

use anyhow::{Context, bail};
use demo_dispo::{
    app::{self, AppState},
    config::Config,
    domain::CleaningPlanned,
    queue::Queue,
    shutdown::Shutdown,
    store, tasks, worker,
};

/// How long the last spans may take to leave.
const FLUSH_TIMEOUT: Duration = Duration::from_secs(5);

/// How long work that nobody waits for may hold up the end, such as the query of a request that was dropped.
const END_TIMEOUT: Duration = Duration::from_secs(1);

/// What `RUST_LOG` says by default. The broker's client tells of its own spans.
const LOG_FILTER: &str = "info,tracing::span=warn";

fn main() -> ExitCode {
    match start() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            #[expect(clippy::print_stderr, reason = "there may be no logger yet")]
            {
                eprintln!("demo-dispo: {error:#}");
            }
            ExitCode::FAILURE
        }
    }
}

const HELP: &str = "\
demo-dispo takes room bookings.

    demo-dispo [serve]   the web service
    demo-dispo worker    the worker

DISPO_HOST, DISPO_PORT, QUEUE_URL and RUST_LOG say where and how, the OTEL_ variables where spans and lines go.
DATABASE_URL names the database: sqlite://<file> (sqlite://dispo.db if not set), or
postgres://<user>:<password>@<host>:<port>/<database>.";

fn start() -> anyhow::Result<()> {
    if matches!(env::args().nth(1).as_deref(), Some("-h" | "--help")) {
        #[expect(clippy::print_stdout, reason = "it was asked for")]
        {
            println!("{HELP}");
        }
        return Ok(());
    }
    let role = Role::from_args(env::args().skip(1))?;
    let config = Config::from_env()?;
    let telemetry = otel_runtime::builder()
        .service_name(role.service_name())
        .service_version(env!("CARGO_PKG_VERSION"))
        .init()?;
    let logger =
        env_logger::Builder::from_env(env_logger::Env::default().default_filter_or(LOG_FILTER))
            .build();
    let level = logger.filter();
    otel_runtime::instrument::log::init(logger, level)?;

    let outcome = run(role, &config);
    if let Err(error) = telemetry.shutdown(FLUSH_TIMEOUT) {
        log::warn!("{error}");
    }
    outcome
}

fn run(role: Role, config: &Config) -> anyhow::Result<()> {
    let runtime =
        tokio::runtime::Runtime::new().context("cannot start the threads of the service")?;
    let outcome = runtime.block_on(work(role, config));
    runtime.shutdown_timeout(END_TIMEOUT);
    outcome
}

async fn work(role: Role, config: &Config) -> anyhow::Result<()> {
    // Before all that may take its time: the first process of a container ignores a signal that it does not listen for.
    let shutdown = Shutdown::listen().context("cannot listen for signals")?;
    let opening = shutdown.unless_requested(store::start(&config.database));
    let Some(store) = opening.await.transpose()? else {
        return Ok(());
    };
    let opening = shutdown.unless_requested(Queue::open(&config.queue));
    let Some(queue) = opening.await.transpose()? else {
        return Ok(());
    };
    match role {
        Role::Serve => {
            app::serve(config, &AppState::new(store, queue.clone()), &shutdown).await?;
        }
        Role::Worker => {
            let task = move |payload| tasks::cleaning_planned(store.clone(), payload);
            worker::run(&queue, CleaningPlanned::QUEUE, &shutdown, task).await?;
        }
    }
    queue.close().await;
    Ok(())
}

#[derive(Clone, Copy)]
enum Role {
    Serve,
    Worker,
}

impl Role {
    fn from_args(mut args: impl Iterator<Item = String>) -> anyhow::Result<Self> {
        let role = match args.next().as_deref() {
            None | Some("serve") => Self::Serve,
            Some("worker") => Self::Worker,
            Some(other) => bail!("no role `{other}`; use `serve` (or nothing) or `worker`"),
        };
        match args.next() {
            None => Ok(role),
            Some(other) => {
                bail!("`{other}` is one argument too many; use `serve` (or nothing) or `worker`")
            }
        }
    }

    fn service_name(self) -> &'static str {
        match self {
            Self::Serve => "dispo",
            Self::Worker => "dispo-worker",
        }
    }
}
