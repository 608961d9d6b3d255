#![doc = include_str!("README.md")]

mod arguments;
mod booking;
mod broker;
mod protocol;
mod send;
mod work;

use std::{env, process::ExitCode, time::Duration};

use anyhow::Context as _;
use demo_dispo::shutdown::Shutdown;

use self::{
    arguments::{Arguments, HELP, Role},
    broker::Broker,
};

/// How long the last spans may take to leave.
const FLUSH_TIMEOUT: Duration = Duration::from_secs(5);

/// What `RUST_LOG` says by default. The broker's client tells of its own spans.
const LOG_FILTER: &str = "info,tracing::span=warn";

fn main() -> ExitCode {
    match start() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            #[expect(clippy::print_stderr, reason = "there may be no logger yet")]
            {
                eprintln!("celery: {error:#}");
            }
            ExitCode::FAILURE
        }
    }
}

fn start() -> anyhow::Result<()> {
    if env::args().any(|argument| matches!(&*argument, "-h" | "--help")) {
        #[expect(clippy::print_stdout, reason = "it was asked for")]
        {
            println!("{HELP}");
        }
        return Ok(());
    }
    let url = env::var("CELERY_BROKER_URL").ok();
    let arguments = Arguments::parse(env::args().skip(1), url)?;
    let telemetry = otel_runtime::builder()
        .service_name(match arguments.role {
            Role::Send(_) => "dispo",
            Role::Work(_) => "cleaning-worker",
        })
        .service_version(env!("CARGO_PKG_VERSION"))
        .init()?;
    let logger =
        env_logger::Builder::from_env(env_logger::Env::default().default_filter_or(LOG_FILTER))
            .build();
    let level = logger.filter();
    otel_runtime::instrument::log::init(logger, level)?;

    let outcome = run(&arguments);
    if let Err(error) = telemetry.shutdown(FLUSH_TIMEOUT) {
        log::warn!("{error}");
    }
    outcome
}

fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let runtime =
        tokio::runtime::Runtime::new().context("cannot start the threads of the example")?;
    runtime.block_on(async {
        let shutdown = Shutdown::listen().context("cannot listen for signals")?;
        let broker = Broker::connect(&arguments.broker).await?;
        broker.declare(&arguments.route).await?;
        match &arguments.role {
            Role::Send(booking) => send::send(&broker, arguments, booking).await?,
            Role::Work(count) => work::work(&broker, arguments, *count, &shutdown).await?,
        }
        broker.close().await;
        Ok(())
    })
}
