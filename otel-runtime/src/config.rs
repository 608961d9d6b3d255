//! Settings from the environment; the only reader of variables.
//!
//! The rules are the specification's: an empty variable counts as unset, words are compared without regard to case,
//! and a value that cannot be understood is warned about and ignored.
//! <https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/>

mod pairs;
mod resource;
mod sampler;
mod signal;

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::env::VarError;
use std::num::{IntErrorKind, ParseIntError};
use std::path::PathBuf;
use std::str::FromStr;

use opentelemetry::KeyValue;
use opentelemetry_sdk::trace::{Sampler, SpanLimits};

#[cfg(feature = "otlp")]
pub(crate) use self::pairs::PAIRS;
#[cfg(feature = "tls")]
pub(crate) use self::signal::TlsFile;
pub(crate) use self::signal::{Batch, Exporter, Protocol, Signal};
#[cfg(feature = "otlp")]
pub(crate) use self::signal::{Endpoint, TlsFiles};
use crate::diagnostics::Level;
use crate::sites::SpanRules;

/// Everything the environment says, checked.
#[derive(Debug)]
pub(crate) struct Settings {
    /// `OTEL_SDK_DISABLED`: nothing is recorded, contexts are still passed on.
    pub(crate) disabled: bool,
    /// `OTEL_RESOURCE_ATTRIBUTES` and `OTEL_SERVICE_NAME`.
    pub(crate) resource: Vec<KeyValue>,
    pub(crate) propagators: Vec<Propagator>,
    pub(crate) sampler: Option<Sampler>,
    pub(crate) traces: Signal,
    pub(crate) logs: Signal,
    pub(crate) limits: SpanLimits,
    /// Of an attribute's text, in characters.
    pub(crate) max_value_length: Option<usize>,
    /// `OTEL_RUNTIME_SPANS`
    pub(crate) rules: Option<SpanRules>,
    /// `OTEL_RUNTIME_JOURNAL`, a folder
    pub(crate) journal: Option<PathBuf>,
    pub(crate) diagnostics: Level,
    /// What could not be understood, a sentence each.
    pub(crate) warnings: Vec<String>,
}

/// How a context travels in headers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Propagator {
    TraceContext,
    Baggage,
    /// One header.
    B3,
    /// A header for each part.
    B3Multi,
}

impl Settings {
    /// Reads the process's environment.
    pub(crate) fn from_env() -> Settings {
        let unreadable = RefCell::new(BTreeSet::new());
        let mut settings = Settings::read(|name| match std::env::var(name) {
            Ok(value) => Some(value),
            Err(VarError::NotPresent) => None,
            Err(VarError::NotUnicode(_)) => {
                unreadable.borrow_mut().insert(name.to_owned());
                None
            }
        });
        for name in unreadable.into_inner() {
            let warning = format!("{name} is not UTF-8, which is ignored");
            settings.warnings.push(warning);
        }
        settings
    }

    fn read(variable: impl Fn(&str) -> Option<String>) -> Settings {
        let mut env = Environment {
            variable: &variable,
            warnings: Vec::new(),
        };
        for (name, advice) in UNSUPPORTED {
            if env.text(name).is_some() {
                env.warnings
                    .push(format!("{name} is not supported; {advice}"));
            }
        }
        Settings {
            disabled: env.boolean("OTEL_SDK_DISABLED").unwrap_or(false),
            resource: resource::read(&mut env),
            propagators: propagators(&mut env),
            sampler: sampler::read(&mut env),
            traces: Signal::read(&mut env, &signal::TRACES),
            logs: Signal::read(&mut env, &signal::LOGS),
            limits: limits(&mut env),
            max_value_length: max_value_length(&mut env),
            rules: rules(&mut env),
            journal: env.text("OTEL_RUNTIME_JOURNAL").map(PathBuf::from),
            diagnostics: diagnostics(&mut env),
            warnings: env.warnings,
        }
    }
}

/// Variables that would be silently without effect otherwise.
const UNSUPPORTED: &[(&str, &str)] = &[
    (
        "OTEL_CONFIG_FILE",
        "use the other OTEL_ variables, or the builder",
    ),
    (
        "OTEL_EXPORTER_ZIPKIN_ENDPOINT",
        "use OTEL_EXPORTER_OTLP_ENDPOINT",
    ),
    (
        "OTEL_EXPORTER_ZIPKIN_TIMEOUT",
        "use OTEL_EXPORTER_OTLP_TIMEOUT",
    ),
];

/// The variables, and what could not be understood of them.
struct Environment<'a> {
    variable: &'a dyn Fn(&str) -> Option<String>,
    warnings: Vec<String>,
}

impl Environment<'_> {
    /// A variable that is there and not empty.
    fn text(&self, name: &str) -> Option<String> {
        (self.variable)(name)
            .map(|value| value.trim().to_owned())
            .filter(|value| !value.is_empty())
    }

    /// What is neither is told, and taken for false.
    fn boolean(&mut self, name: &str) -> Option<bool> {
        let word = self.text(name)?;
        let is_true = word.eq_ignore_ascii_case("true");
        if !is_true && !word.eq_ignore_ascii_case("false") {
            self.warn(name, &word, "`true` or `false`");
        }
        Some(is_true)
    }

    fn number<T: FromStr<Err = ParseIntError>>(&mut self, name: &str) -> Option<T> {
        let text = self.text(name)?;
        let error = match text.parse() {
            Ok(number) => return Some(number),
            Err(error) => error,
        };
        let accepted = match error.kind() {
            IntErrorKind::PosOverflow => "a smaller number",
            _ => "a whole number, not negative",
        };
        self.warn(name, &text, accepted);
        None
    }

    fn positive(&mut self, name: &str) -> Option<usize> {
        let number = self.number(name)?;
        if number == 0 {
            self.warn(name, "0", "a whole number greater than 0");
        }
        Some(number).filter(|number| *number > 0)
    }

    /// What the words of a comma list stand for, each once; `none` stands for nothing. Where nothing is understood, that is as
    /// if nothing was said.
    fn list<T: PartialEq>(
        &mut self,
        name: &str,
        accepted: &str,
        mut read: impl FnMut(&mut Self, &str) -> Option<T>,
    ) -> Option<Vec<T>> {
        let text = self.text(name)?.to_ascii_lowercase();
        let mut list = Vec::new();
        let mut is_understood = false;
        for word in text.split(',').map(str::trim) {
            match word {
                "" => {}
                "none" => is_understood = true,
                word => match read(self, word) {
                    Some(item) => {
                        is_understood = true;
                        if !list.contains(&item) {
                            list.push(item);
                        }
                    }
                    None => self.warn(name, word, accepted),
                },
            }
        }
        is_understood.then_some(list)
    }

    fn warn(&mut self, name: &str, found: &str, accepted: &str) {
        self.warn_of(name, &format!("`{found}`"), accepted);
    }

    fn warn_of(&mut self, name: &str, found: &str, accepted: &str) {
        let warning = format!("{name} is {found}, which is ignored; it takes {accepted}");
        // A variable that counts for several signals is read for each of them.
        if !self.warnings.contains(&warning) {
            self.warnings.push(warning);
        }
    }
}

fn propagators(env: &mut Environment<'_>) -> Vec<Propagator> {
    let accepted = "a comma list of `tracecontext`, `baggage`, `b3`, `b3multi`, or `none`";
    let propagators = env.list("OTEL_PROPAGATORS", accepted, |_, word| match word {
        "tracecontext" => Some(Propagator::TraceContext),
        "baggage" => Some(Propagator::Baggage),
        "b3" => Some(Propagator::B3),
        "b3multi" => Some(Propagator::B3Multi),
        _ => None,
    });
    propagators.unwrap_or_else(|| vec![Propagator::TraceContext, Propagator::Baggage])
}

fn limits(env: &mut Environment<'_>) -> SpanLimits {
    let mut limits = SpanLimits::default();
    let counts = [
        (
            "OTEL_ATTRIBUTE_COUNT_LIMIT",
            &mut limits.max_attributes_per_span,
        ),
        (
            "OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT",
            &mut limits.max_attributes_per_event,
        ),
        (
            "OTEL_LINK_ATTRIBUTE_COUNT_LIMIT",
            &mut limits.max_attributes_per_link,
        ),
        (
            "OTEL_SPAN_EVENT_COUNT_LIMIT",
            &mut limits.max_events_per_span,
        ),
        ("OTEL_SPAN_LINK_COUNT_LIMIT", &mut limits.max_links_per_span),
    ];
    for (name, limit) in counts {
        if let Some(count) = env.number(name) {
            *limit = count;
        }
    }
    if let Some(count) = env.number("OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT") {
        limits.max_attributes_per_span = count;
    }
    limits
}

fn max_value_length(env: &mut Environment<'_>) -> Option<usize> {
    let of_any = env.number("OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT");
    let of_spans = env.number("OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT");
    of_spans.or(of_any)
}

fn rules(env: &mut Environment<'_>) -> Option<SpanRules> {
    const NAME: &str = "OTEL_RUNTIME_SPANS";
    let text = env.text(NAME)?;
    let rules = text.parse().ok();
    if rules.is_none() {
        env.warn(
            NAME,
            &text,
            "a comma list of `pattern=on` and `pattern=off`",
        );
    }
    rules
}

fn diagnostics(env: &mut Environment<'_>) -> Level {
    const NAME: &str = "OTEL_LOG_LEVEL";
    let Some(word) = env.text(NAME) else {
        return Level::Warn;
    };
    match word.to_ascii_lowercase().as_str() {
        "none" | "off" => Level::Off,
        "error" => Level::Error,
        "warn" => Level::Warn,
        "info" | "debug" | "trace" => Level::Info,
        _ => {
            env.warn(NAME, &word, "`none`, `error`, `warn`, `info` or `debug`");
            Level::Warn
        }
    }
}

#[cfg(test)]
mod tests;
