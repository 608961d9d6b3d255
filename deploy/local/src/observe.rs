//! Where the spans go, and what can be told of them.

use std::{
    collections::HashMap,
    env,
    path::Path,
    time::{Duration, Instant},
};

use anyhow::{Context, bail};
use otel_runtime::testing::{Collector, Detail, SpanRecord, timed_tree};
use reqwest::Url;

use crate::{
    booking,
    stack::{Role, Stack, Telemetry},
};

/// How long the whole trace may take to arrive.
const TRACE_TIMEOUT: Duration = Duration::from_mins(1);

/// How often it is looked whether something has arrived.
const LOOK: Duration = Duration::from_millis(100);

/// A trace to which nothing was added for so long is taken to be whole.
const QUIET: Duration = Duration::from_secs(2);

/// Jaeger's page listens here.
const JAEGER_PORT: u16 = 16686;

/// What sees the spans: this program, or a server elsewhere.
#[derive(Debug)]
pub struct Observer {
    telemetry: Telemetry,
    place: Place,
}

#[derive(Debug)]
enum Place {
    Here(Box<Collector>),
    Elsewhere(Url),
}

impl Observer {
    /// Collects spans here, unless the environment names an OTLP endpoint.
    ///
    /// # Errors
    ///
    /// The system gives no port, or the endpoint is no URL.
    pub fn from_env() -> anyhow::Result<Self> {
        for variable in [
            "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
            "OTEL_EXPORTER_OTLP_ENDPOINT",
        ] {
            if let Some(endpoint) = env::var_os(variable).filter(|value| !value.is_empty()) {
                let endpoint = endpoint.to_string_lossy();
                let url = Url::parse(&endpoint)
                    .with_context(|| format!("{variable}: `{endpoint}` is no URL"))?;
                refuse_silence(variable)?;
                return Ok(Self {
                    telemetry: Telemetry::Inherited,
                    place: Place::Elsewhere(url),
                });
            }
        }
        let collector = Collector::start().context("cannot collect spans")?;
        Ok(Self {
            telemetry: Telemetry::collector(collector.http_endpoint(), "http/protobuf"),
            place: Place::Here(Box::new(collector)),
        })
    }

    /// What the processes should find in their environment.
    #[must_use]
    pub fn telemetry(&self) -> &Telemetry {
        &self.telemetry
    }

    /// Waits until the trace of the first booking is whole, and gives it, or the address where it is shown.
    ///
    /// # Errors
    ///
    /// A process dies, or something is still missing after a minute.
    pub async fn trace_of_booking(&self, stack: &mut Stack) -> anyhow::Result<String> {
        match &self.place {
            Place::Here(collector) => here(collector, stack).await,
            Place::Elsewhere(endpoint) => elsewhere(endpoint, stack).await,
        }
    }

    /// What the processes, which have ended, had to say of spans that did not arrive.
    ///
    /// # Errors
    ///
    /// Spans were lost on their way; the message holds what was said.
    pub fn check_arrival(&self, folder: &Path) -> anyhow::Result<()> {
        let Place::Elsewhere(endpoint) = &self.place else {
            return Ok(());
        };
        let mut said = Vec::new();
        for name in Role::ALL.map(Role::name) {
            let log = std::fs::read_to_string(folder.join(format!("{name}.log")))
                .with_context(|| format!("cannot read the log of {name}"))?;
            let losses = log.lines().filter(|line| tells_of_loss(line));
            said.extend(losses.map(|line| format!("  {name}: {line}")));
        }
        if said.is_empty() {
            return Ok(());
        }
        let said = said.join("\n");
        bail!("not all spans arrived at {endpoint}; the processes said\n{said}")
    }

    /// Hands each further trace to `show` as text, as soon as nothing is added to it any more. Ends only by an error.
    ///
    /// # Errors
    ///
    /// A process dies.
    pub async fn show_further(&self, stack: &mut Stack, show: impl Fn(&str)) -> anyhow::Result<()> {
        let mut shown = Shown::default();
        if let Place::Here(collector) = &self.place {
            shown.skip(collector.spans());
        }
        loop {
            tokio::time::sleep(LOOK).await;
            stack.check()?;
            if let Place::Here(collector) = &self.place {
                for trace in shown.quiet(collector.spans(), Instant::now()) {
                    show(&timed_tree(&trace, Detail::ALL));
                }
            }
        }
    }
}

/// Whether a line of a log is one by which the runtime says that spans did not arrive; it says other things too.
fn tells_of_loss(line: &str) -> bool {
    const LOST: [&str; 3] = ["could not export ", " lost in between: ", " were dropped, "];
    line.starts_with("otel-runtime: ") && LOST.iter().any(|words| line.contains(words))
}

/// With an endpoint but nothing that sends there, the trace would be waited for in vain.
fn refuse_silence(endpoint: &str) -> anyhow::Result<()> {
    let value = |name| env::var(name).unwrap_or_default().to_ascii_lowercase();
    if value("OTEL_SDK_DISABLED") == "true" {
        bail!("{endpoint} is set, but OTEL_SDK_DISABLED switches all spans off; unset one of them");
    }
    let exporters = value("OTEL_TRACES_EXPORTER");
    if !exporters.trim().is_empty() && !exporters.split(',').any(|word| word.trim() == "otlp") {
        bail!(
            "{endpoint} is set, but OTEL_TRACES_EXPORTER is `{exporters}`, so nothing is sent there; \
             unset one of them, or add `otlp`"
        );
    }
    let sampler = sampler();
    if sampler.ends_with("always_off") {
        bail!(
            "{endpoint} is set, but OTEL_TRACES_SAMPLER is `{sampler}`, so nothing is sent there; \
             unset one of them"
        );
    }
    Ok(())
}

/// The sampler that the environment names.
fn sampler() -> String {
    env::var("OTEL_TRACES_SAMPLER")
        .unwrap_or_default()
        .trim()
        .to_ascii_lowercase()
}

async fn here(collector: &Collector, stack: &mut Stack) -> anyhow::Result<String> {
    let give_up = Instant::now() + TRACE_TIMEOUT;
    loop {
        let trace = booking::trace_of_booking(&collector.spans());
        let missing = booking::missing(&trace);
        if missing.is_empty() && booking::is_connected(&trace) {
            return Ok(timed_tree(&trace, Detail::ALL));
        }
        stack.check()?;
        if Instant::now() > give_up {
            bail!(
                "the trace is not whole after {TRACE_TIMEOUT:?}; missing: {}\n{}",
                missing.join(", "),
                timed_tree(&trace, Detail::ALL)
            );
        }
        tokio::time::sleep(LOOK).await;
    }
}

/// The services tell the trace in their log; nobody else here knows it.
async fn elsewhere(endpoint: &Url, stack: &mut Stack) -> anyhow::Result<String> {
    let line = stack
        .process(Role::Dispo)
        .wait_for_line("trace_id=", TRACE_TIMEOUT)
        .await?;
    stack
        .process(Role::DispoWorker)
        .wait_for_line("trace_id=", TRACE_TIMEOUT)
        .await?;
    let trace = line.split_whitespace().next().unwrap_or_default();
    let sampler = sampler();
    let condition = if sampler.ends_with("traceidratio") {
        format!(" if it was sampled (OTEL_TRACES_SAMPLER is `{sampler}`)")
    } else {
        String::new()
    };
    Ok(format!(
        "The spans are sent to {endpoint}. In a Jaeger there, the trace is{condition} at\n  {}",
        jaeger(endpoint, trace)
    ))
}

/// Jaeger takes spans and shows them on one host, at different ports.
fn jaeger(endpoint: &Url, trace: &str) -> String {
    let host = endpoint.host_str().unwrap_or("localhost");
    format!("http://{host}:{JAEGER_PORT}/trace/{trace}")
}

/// How much of each trace has been shown.
#[derive(Default)]
struct Shown(HashMap<String, Progress>);

struct Progress {
    shown: usize,
    seen: usize,
    since: Instant,
}

impl Shown {
    /// Takes these spans for shown.
    fn skip(&mut self, spans: Vec<SpanRecord>) {
        let now = Instant::now();
        for (id, trace) in by_trace(spans) {
            let seen = trace.len();
            self.0.insert(
                id,
                Progress {
                    shown: seen,
                    seen,
                    since: now,
                },
            );
        }
    }

    /// The traces that have grown since they were shown, but not for a while; from now on they count as shown.
    fn quiet(&mut self, spans: Vec<SpanRecord>, now: Instant) -> Vec<Vec<SpanRecord>> {
        let mut quiet = Vec::new();
        for (id, trace) in by_trace(spans) {
            let progress = self.0.entry(id).or_insert(Progress {
                shown: 0,
                seen: 0,
                since: now,
            });
            if progress.seen != trace.len() {
                progress.seen = trace.len();
                progress.since = now;
            } else if progress.shown != progress.seen && now - progress.since >= QUIET {
                progress.shown = progress.seen;
                quiet.push(trace);
            }
        }
        quiet.sort_by_key(|trace| trace.iter().map(|span| span.start_unix_nanos).min());
        quiet
    }
}

fn by_trace(spans: Vec<SpanRecord>) -> HashMap<String, Vec<SpanRecord>> {
    let mut traces: HashMap<_, Vec<_>> = HashMap::new();
    for span in spans {
        traces
            .entry(span.trace_id.to_string())
            .or_default()
            .push(span);
    }
    traces
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lost_spans_are_told_with_who_lost_them() {
        let folder = tempfile::tempdir().unwrap();
        for name in Role::ALL.map(Role::name) {
            std::fs::write(folder.path().join(format!("{name}.log")), "listening\n").unwrap();
        }
        let observer = Observer {
            telemetry: Telemetry::Inherited,
            place: Place::Elsewhere(Url::parse("http://127.0.0.1:9").unwrap()),
        };
        let said = "otel-runtime: 10 spans recorded, 10 exported, 0 dropped, 0 refused";
        std::fs::write(folder.path().join("dispo.log"), said).unwrap();
        observer.check_arrival(folder.path()).unwrap();
        let said = "otel-runtime: could not export 2 spans";
        std::fs::write(
            folder.path().join("dispo.log"),
            format!("listening\n{said}\n"),
        )
        .unwrap();
        let error = observer
            .check_arrival(folder.path())
            .unwrap_err()
            .to_string();
        assert!(error.contains("http://127.0.0.1:9"), "{error}");
        assert!(error.ends_with(&format!("\n  dispo: {said}")), "{error}");
    }

    #[test]
    fn jaeger_shows_the_trace_where_it_takes_the_spans() {
        let endpoint = Url::parse("http://tracing.example:4317/").unwrap();
        assert_eq!(
            jaeger(&endpoint, "0af7"),
            "http://tracing.example:16686/trace/0af7"
        );
    }
}
