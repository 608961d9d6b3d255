//! What each signal has variables of its own for: where it is exported to, and in which batches.

use std::path::PathBuf;
use std::time::Duration;

use super::Environment;
use super::pairs::{PAIRS, pairs};
use crate::delivery::UNLIMITED;

/// How long a request may take where nothing else is said.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(10);

/// How one signal leaves the process.
#[derive(Debug, Default)]
#[cfg_attr(
    not(feature = "otlp"),
    expect(dead_code, reason = "only OTLP has requests and batches")
)]
pub(crate) struct Signal {
    pub(crate) exporters: Vec<Exporter>,
    /// Where OTLP goes; `None` means the exporter's default.
    pub(crate) endpoint: Option<Endpoint>,
    /// Whether gRPC goes without TLS where the endpoint has no scheme.
    pub(crate) is_insecure: bool,
    pub(crate) tls: TlsFiles,
    pub(crate) headers: Headers,
    /// Whether requests are compressed by gzip.
    pub(crate) is_compressed: bool,
    /// Of one request.
    pub(crate) timeout: Duration,
    pub(crate) batch: Batch,
}

/// Where a signal goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exporter {
    Otlp(Protocol),
    /// For people, on standard output.
    Console,
}

/// How OTLP travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Protocol {
    HttpProtobuf,
    HttpJson,
    Grpc,
    /// As lines of JSON, on standard output.
    Stdout,
}

/// What the environment says of where OTLP goes.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Endpoint {
    pub(crate) text: String,
    pub(crate) variable: &'static str,
    /// Whether that is of one signal, which HTTP uses as it stands.
    pub(crate) is_own: bool,
}

/// What is sent with each request.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Headers {
    /// Names in lower case.
    pub(crate) list: Vec<(String, String)>,
    pub(crate) variable: &'static str,
}

/// What TLS takes from files, all of it as PEM.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct TlsFiles {
    /// By whom the receiver's certificate is signed; without it, somebody whom the system trusts.
    pub(crate) authorities: Option<TlsFile>,
    /// Who sends.
    pub(crate) certificate: Option<TlsFile>,
    /// The key of that certificate.
    pub(crate) key: Option<TlsFile>,
}

/// A file, and the variable that names it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct TlsFile {
    pub(crate) path: PathBuf,
    pub(crate) variable: &'static str,
}

/// The settings of a batch processor; what is absent keeps the specification's default.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Batch {
    pub(crate) schedule_delay: Option<Duration>,
    pub(crate) max_queue_size: Option<usize>,
    pub(crate) max_export_batch_size: Option<usize>,
    pub(crate) export_timeout: Option<Duration>,
}

/// What the variables of a signal are called.
pub(super) struct Names {
    exporter: &'static str,
    endpoint: &'static str,
    headers: &'static str,
    compression: &'static str,
    protocol: &'static str,
    timeout: &'static str,
    insecure: &'static str,
    certificate: &'static str,
    client_certificate: &'static str,
    client_key: &'static str,
    schedule_delay: &'static str,
    max_queue_size: &'static str,
    max_export_batch_size: &'static str,
    export_timeout: &'static str,
    /// Whether an endpoint is enough to export by OTLP.
    endpoint_suffices: bool,
}

pub(super) const TRACES: Names = Names {
    exporter: "OTEL_TRACES_EXPORTER",
    endpoint: "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
    headers: "OTEL_EXPORTER_OTLP_TRACES_HEADERS",
    compression: "OTEL_EXPORTER_OTLP_TRACES_COMPRESSION",
    protocol: "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL",
    timeout: "OTEL_EXPORTER_OTLP_TRACES_TIMEOUT",
    insecure: "OTEL_EXPORTER_OTLP_TRACES_INSECURE",
    certificate: "OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE",
    client_certificate: "OTEL_EXPORTER_OTLP_TRACES_CLIENT_CERTIFICATE",
    client_key: "OTEL_EXPORTER_OTLP_TRACES_CLIENT_KEY",
    schedule_delay: "OTEL_BSP_SCHEDULE_DELAY",
    max_queue_size: "OTEL_BSP_MAX_QUEUE_SIZE",
    max_export_batch_size: "OTEL_BSP_MAX_EXPORT_BATCH_SIZE",
    export_timeout: "OTEL_BSP_EXPORT_TIMEOUT",
    endpoint_suffices: true,
};

pub(super) const LOGS: Names = Names {
    exporter: "OTEL_LOGS_EXPORTER",
    endpoint: "OTEL_EXPORTER_OTLP_LOGS_ENDPOINT",
    headers: "OTEL_EXPORTER_OTLP_LOGS_HEADERS",
    compression: "OTEL_EXPORTER_OTLP_LOGS_COMPRESSION",
    protocol: "OTEL_EXPORTER_OTLP_LOGS_PROTOCOL",
    timeout: "OTEL_EXPORTER_OTLP_LOGS_TIMEOUT",
    insecure: "OTEL_EXPORTER_OTLP_LOGS_INSECURE",
    certificate: "OTEL_EXPORTER_OTLP_LOGS_CERTIFICATE",
    client_certificate: "OTEL_EXPORTER_OTLP_LOGS_CLIENT_CERTIFICATE",
    client_key: "OTEL_EXPORTER_OTLP_LOGS_CLIENT_KEY",
    schedule_delay: "OTEL_BLRP_SCHEDULE_DELAY",
    max_queue_size: "OTEL_BLRP_MAX_QUEUE_SIZE",
    max_export_batch_size: "OTEL_BLRP_MAX_EXPORT_BATCH_SIZE",
    export_timeout: "OTEL_BLRP_EXPORT_TIMEOUT",
    // The endpoint that is there may be one for traces only, such as a Jaeger.
    endpoint_suffices: false,
};

impl Signal {
    /// How long a batch may take, with all that is tried again.
    #[cfg(feature = "otlp")]
    pub(crate) fn of_batch(&self) -> Duration {
        let of_batch = self.batch.export_timeout;
        of_batch.map_or(self.timeout, |most| most.min(self.timeout))
    }

    pub(super) fn read(env: &mut Environment<'_>, names: &Names) -> Self {
        let endpoint = endpoint(env, names);
        Self {
            exporters: exporters(env, names, endpoint.is_some() && names.endpoint_suffices),
            endpoint,
            is_insecure: is_insecure(env, names),
            tls: TlsFiles {
                authorities: file(env, [names.certificate, "OTEL_EXPORTER_OTLP_CERTIFICATE"]),
                certificate: file(
                    env,
                    [
                        names.client_certificate,
                        "OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE",
                    ],
                ),
                key: file(env, [names.client_key, "OTEL_EXPORTER_OTLP_CLIENT_KEY"]),
            },
            headers: headers(env, names),
            is_compressed: is_compressed(env, names),
            timeout: timeout(env, names),
            batch: Batch {
                schedule_delay: env.number(names.schedule_delay).map(pause),
                max_queue_size: env.positive(names.max_queue_size),
                max_export_batch_size: env.positive(names.max_export_batch_size),
                export_timeout: env.number(names.export_timeout).map(limit),
            },
        }
    }
}

/// Of the signal, or else of all signals.
fn endpoint(env: &Environment<'_>, names: &Names) -> Option<Endpoint> {
    [
        (names.endpoint, true),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", false),
    ]
    .into_iter()
    .find_map(|(variable, is_own)| {
        Some(Endpoint {
            text: env.text(variable)?,
            variable,
            is_own,
        })
    })
}

fn exporters(env: &mut Environment<'_>, names: &Names, otlp_by_default: bool) -> Vec<Exporter> {
    let accepted = "a comma list of `otlp`, `otlp/stdout`, `console`, or `none`";
    let exporters = env.list(names.exporter, accepted, |env, word| match word {
        "otlp" => Some(Exporter::Otlp(protocol(env, names))),
        "otlp/stdout" => Some(Exporter::Otlp(Protocol::Stdout)),
        "console" => Some(Exporter::Console),
        _ => None,
    });
    match exporters {
        Some(exporters) => exporters,
        None if otlp_by_default => vec![Exporter::Otlp(protocol(env, names))],
        None => Vec::new(),
    }
}

fn protocol(env: &mut Environment<'_>, names: &Names) -> Protocol {
    for name in [names.protocol, "OTEL_EXPORTER_OTLP_PROTOCOL"] {
        let Some(word) = env.text(name) else { continue };
        match word.to_ascii_lowercase().as_str() {
            "http/protobuf" => return Protocol::HttpProtobuf,
            "http/json" => return Protocol::HttpJson,
            "grpc" => return Protocol::Grpc,
            _ => env.warn(name, &word, "`http/protobuf`, `http/json` or `grpc`"),
        }
    }
    Protocol::HttpProtobuf
}

fn is_insecure(env: &mut Environment<'_>, names: &Names) -> bool {
    let of_signal = env.boolean(names.insecure);
    let of_any = env.boolean("OTEL_EXPORTER_OTLP_INSECURE");
    of_signal.or(of_any).unwrap_or(false)
}

/// The first that is named.
fn file(env: &Environment<'_>, variables: [&'static str; 2]) -> Option<TlsFile> {
    variables.into_iter().find_map(|variable| {
        let path = env.text(variable)?.into();
        Some(TlsFile { path, variable })
    })
}

/// Of the signal, or else of all signals.
fn headers(env: &mut Environment<'_>, names: &Names) -> Headers {
    for variable in [names.headers, "OTEL_EXPORTER_OTLP_HEADERS"] {
        let Some(text) = env.text(variable) else {
            continue;
        };
        let Some(pairs) = pairs(&text) else {
            // What it holds may be secret.
            env.warn_of(variable, "not a list of headers", PAIRS);
            continue;
        };
        let lower = |(name, value): (String, String)| (name.to_ascii_lowercase(), value);
        let list = pairs.into_iter().map(lower).collect();
        return Headers { list, variable };
    }
    Headers::default()
}

fn is_compressed(env: &mut Environment<'_>, names: &Names) -> bool {
    for name in [names.compression, "OTEL_EXPORTER_OTLP_COMPRESSION"] {
        let Some(word) = env.text(name) else { continue };
        match word.to_ascii_lowercase().as_str() {
            "gzip" => return true,
            "none" => return false,
            _ => env.warn(name, &word, "`gzip` or `none`"),
        }
    }
    false
}

fn timeout(env: &mut Environment<'_>, names: &Names) -> Duration {
    let of_signal = env.number(names.timeout);
    let of_any = env.number("OTEL_EXPORTER_OTLP_TIMEOUT");
    of_signal.or(of_any).map_or(DEFAULT_TIMEOUT, limit)
}

/// Never none at all, which would keep a processor busy with looking for what is there.
fn pause(millis: u64) -> Duration {
    Duration::from_millis(millis.max(1))
}

/// None at all is written as 0, as the specification has it.
fn limit(millis: u64) -> Duration {
    if millis == 0 {
        UNLIMITED
    } else {
        Duration::from_millis(millis)
    }
}
