//! One run: new databases and queues, four new processes, bookings, and what they cost.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use anyhow::bail;

use super::{arguments::Plan, drive::drive, sink::Sink};
use crate::{
    binaries::Binaries,
    postgres::PostgresDatabase,
    rabbitmq::ReservedBroker,
    stack::{Databases, JOURNAL, Ports, Queues, Role, Setting, Stack, Telemetry},
    usage::{CpuTime, peak_memory},
};

/// Bookings before those that are measured: connections, caches and the memory of the processes are as they will be.
pub(super) const WARM_UP: u32 = 500;

/// How long spans wait for others, at most; a fifth of the default, so that less time goes by until all have left.
const SCHEDULE_DELAY: Duration = Duration::from_secs(1);

/// How long the workers may take to do what was announced.
const PATIENCE: Duration = Duration::from_mins(2);

const LOOK: Duration = Duration::from_millis(100);

/// The processes that work for a booking.
const MEASURED: [Role; 3] = [Role::Dispo, Role::CleaningWorker, Role::DispoWorker];

/// What becomes of spans.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// There is no variable of OpenTelemetry.
    Off,
    /// All are exported.
    All,
    /// Those of a tenth of the traces are exported.
    Tenth,
}

impl Mode {
    /// All three.
    pub const ALL: [Self; 3] = [Self::Off, Self::All, Self::Tenth];

    /// The heading of a column.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::All => "all",
            Self::Tenth => "a tenth",
        }
    }

    pub(super) fn telemetry(self, sink: &Sink, plan: &Plan) -> Telemetry {
        let (endpoint, protocol) = if plan.grpc {
            (&sink.grpc, "grpc")
        } else {
            (&sink.http, "http/protobuf")
        };
        let mut exported = vec![
            ("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint.clone()),
            ("OTEL_EXPORTER_OTLP_PROTOCOL", protocol.to_owned()),
            (
                "OTEL_BSP_SCHEDULE_DELAY",
                SCHEDULE_DELAY.as_millis().to_string(),
            ),
        ];
        if plan.journal {
            exported.push(("OTEL_RUNTIME_JOURNAL", JOURNAL.to_owned()));
        }
        let sampled = [
            ("OTEL_TRACES_SAMPLER", "parentbased_traceidratio".to_owned()),
            ("OTEL_TRACES_SAMPLER_ARG", "0.1".to_owned()),
        ];
        match self {
            Self::Off => Telemetry::OFF,
            Self::All => Telemetry::Variables(exported),
            Self::Tenth => Telemetry::Variables(exported.into_iter().chain(sampled).collect()),
        }
    }
}

/// What one run came to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sample {
    /// Bookings answered in a second.
    pub rate: f64,
    /// The latencies that half, nine tenths and 99 of 100 bookings did not exceed, in milliseconds.
    pub latencies_ms: [f64; 3],
    /// Processor time for a booking in dispo, cleaning-worker and dispo-worker, in microseconds.
    pub cpu_us: [f64; 3],
    /// The most memory of the same three, in megabytes (of 1048576 bytes).
    pub memory_mb: [f64; 3],
    /// Spans that arrived for each booking, those of the warm-up included.
    pub spans: f64,
}

/// Runs `mode` once.
///
/// # Errors
///
/// Something does not start, answer or end.
pub async fn run(
    mode: Mode,
    plan: &Plan,
    binaries: &Binaries,
    folder: &Path,
    broker: Option<&ReservedBroker>,
) -> anyhow::Result<Sample> {
    let sink = Sink::start(folder).await?;
    let telemetry = mode.telemetry(&sink, plan);
    let (_database, mut stack) = start(telemetry, plan, binaries, folder, broker).await?;
    let url = stack.dispo_url.clone();
    let ids = MEASURED.map(|role| stack.process(role).id());

    drive(&url, 0..WARM_UP, plan.connections).await?;
    settled(&mut stack, WARM_UP).await?;
    let before = cpu(ids)?;
    let all = WARM_UP + plan.bookings;
    let driven = drive(&url, WARM_UP..all, plan.connections).await?;
    settled(&mut stack, all).await?;
    let after = cpu(ids)?;
    let memory_mb = {
        let [dispo, cleaning, planned] = ids.map(peak_memory);
        #[expect(clippy::cast_precision_loss, reason = "a process has no exabytes")]
        [dispo?, cleaning?, planned?].map(|bytes| bytes as f64 / f64::from(1 << 20))
    };

    stop(stack)?;
    let bookings = f64::from(plan.bookings);
    #[expect(clippy::cast_precision_loss, reason = "there are not that many spans")]
    let spans = sink.stop().await? as f64 / f64::from(all);
    Ok(Sample {
        rate: bookings / driven.wall.as_secs_f64(),
        latencies_ms: [0.5, 0.9, 0.99].map(|part| driven.quantile(part).as_secs_f64() * 1e3),
        cpu_us: cpu_us(&before, &after, plan.bookings),
        memory_mb,
        spans,
    })
}

/// Four new processes on new databases and queues. The database goes away with the value that stands for it.
pub(super) async fn start(
    telemetry: Telemetry,
    plan: &Plan,
    binaries: &Binaries,
    folder: &Path,
    broker: Option<&ReservedBroker>,
) -> anyhow::Result<(Option<PostgresDatabase>, Stack)> {
    let database = plan.postgres.as_deref().map(PostgresDatabase::create);
    let database = database.transpose()?;
    if let Some(broker) = broker {
        broker.delete_queues().await?;
    }
    let setting = Setting {
        ports: Ports::ANY,
        databases: match &database {
            Some(database) => Databases::Shared(database.url.clone()),
            None => Databases::Files,
        },
        queues: match broker {
            Some(broker) => Queues::Broker(broker.url.clone()),
            None => Queues::File,
        },
        telemetry,
    };
    Ok((database, Stack::start(binaries, folder, setting).await?))
}

/// Ends all, which must succeed for each.
pub(super) fn stop(stack: Stack) -> anyhow::Result<()> {
    for (name, status) in stack.stop()? {
        if !status.success() {
            bail!("{name} ended with {status}");
        }
    }
    Ok(())
}

/// Waits until so many bookings have gone all the way, and until their spans have left.
pub(super) async fn settled(stack: &mut Stack, bookings: u32) -> anyhow::Result<()> {
    planned(stack, bookings).await?;
    tokio::time::sleep(SCHEDULE_DELAY + SCHEDULE_DELAY / 2).await;
    stack.check()
}

/// Waits until so many bookings have gone all the way. The log tells, so that asking costs the processes nothing.
pub(super) async fn planned(stack: &mut Stack, bookings: u32) -> anyhow::Result<()> {
    let give_up = Instant::now() + PATIENCE;
    loop {
        let log = stack.process(Role::DispoWorker).output()?;
        let planned = log.matches("the cleaning of booking ").count();
        if planned >= bookings as usize {
            return Ok(());
        }
        stack.check()?;
        if Instant::now() > give_up {
            bail!("only {planned} of {bookings} cleanings were planned within {PATIENCE:?}");
        }
        tokio::time::sleep(LOOK).await;
    }
}

pub(super) fn cpu(processes: [u32; 3]) -> anyhow::Result<[CpuTime; 3]> {
    let [first, second, third] = processes.map(CpuTime::of);
    Ok([first?, second?, third?])
}

/// Processor time for each of so many bookings, in microseconds.
pub(super) fn cpu_us(before: &[CpuTime; 3], after: &[CpuTime; 3], bookings: u32) -> [f64; 3] {
    std::array::from_fn(|at| after[at].since(&before[at]).as_secs_f64() * 1e6 / f64::from(bookings))
}
