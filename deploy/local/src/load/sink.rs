//! Takes spans in a process of its own, so that its work is not counted as another's.

use std::{env, num::NonZeroUsize, path::Path, process::Command, time::Duration};

use anyhow::Context;
use otel_runtime::testing::Collector;

use crate::{process::Process, signals::Signals};

/// The argument that makes the program a sink.
pub const ARGUMENT: &str = "--sink";

const START_TIMEOUT: Duration = Duration::from_secs(10);

/// A running sink.
#[derive(Debug)]
pub struct Sink {
    process: Process,
    /// Where it takes OTLP over HTTP.
    pub http: String,
    /// Where it takes OTLP over gRPC.
    pub grpc: String,
}

impl Sink {
    /// Starts this program as a sink.
    ///
    /// # Errors
    ///
    /// It cannot be started, or says nothing.
    pub async fn start(folder: &Path) -> anyhow::Result<Self> {
        let program = env::current_exe().context("cannot find this program")?;
        let mut process = Process::start("sink", Command::new(program).arg(ARGUMENT), folder)?;
        Ok(Self {
            http: process.wait_for_line("http at ", START_TIMEOUT).await?,
            grpc: process.wait_for_line("grpc at ", START_TIMEOUT).await?,
            process,
        })
    }

    /// Ends it, and tells how many spans have arrived.
    ///
    /// # Errors
    ///
    /// It does not tell.
    pub async fn stop(mut self) -> anyhow::Result<u64> {
        self.process.ask_to_end();
        self.process.ended().await?;
        let received = self
            .process
            .wait_for_line("spans received: ", START_TIMEOUT)
            .await?;
        Ok(received.parse()?)
    }
}

/// What the sink does, until it is asked to end.
///
/// # Errors
///
/// The system gives no port.
#[expect(clippy::print_stdout, reason = "whoever started it reads this")]
pub async fn run() -> anyhow::Result<()> {
    let mut signals = Signals::listen()?;
    let collector = Collector::with_capacity(NonZeroUsize::MIN)?;
    println!("http at {}", collector.http_endpoint());
    println!("grpc at {}", collector.grpc_endpoint());
    signals.next().await;
    let kept = u64::try_from(collector.spans().len())?;
    println!("spans received: {}", collector.dropped() + kept);
    Ok(())
}
