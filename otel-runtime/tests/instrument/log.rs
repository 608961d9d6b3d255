//! Ids of the current span on the lines of the `log` facade, through a real `env_logger`.

use std::{
    io,
    sync::{Arc, Mutex, PoisonError},
};

use crate::recorded::Recorded;
use log::{LevelFilter, Log as _, Record, kv::Source};
use opentelemetry::{
    Context, global,
    trace::{TraceContextExt as _, Tracer as _},
};
use otel_runtime::instrument::log::{Correlated, init, json_line};

/// What a logger wrote.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Lines {
    fn take(&self) -> String {
        let bytes = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        String::from_utf8(bytes).expect("UTF-8")
    }

    fn logger(&self) -> env_logger::Logger {
        env_logger::Builder::new()
            .filter_level(LevelFilter::Info)
            .format_timestamp(None)
            .target(env_logger::Target::Pipe(Box::new(self.clone())))
            .build()
    }
}

impl io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn ids(context: &Context) -> (String, String) {
    let span = context.span().span_context().clone();
    (span.trace_id().to_string(), span.span_id().to_string())
}

#[test]
fn lines_within_a_span_carry_its_ids() {
    let _spans = Recorded::start();
    let lines = Lines::default();
    init(lines.logger(), LevelFilter::Info).expect("the first logger");
    assert!(init(lines.logger(), LevelFilter::Trace).is_err());
    assert_eq!(log::max_level(), LevelFilter::Info);

    log::info!(target: "t", "outside");
    assert_eq!(lines.take(), "[INFO  t] outside\n");

    global::tracer("test").in_span("outer", |outer| {
        let (trace, span) = ids(&outer);
        log::warn!(target: "t", room = 7; "inside {}", 1);
        assert_eq!(
            lines.take(),
            format!("[WARN  t] inside 1 room=7 trace_id={trace} span_id={span}\n")
        );
        global::tracer("test").in_span("inner", |inner| {
            let (same, inner) = ids(&inner);
            assert_eq!(same, trace);
            assert_ne!(inner, span);
            log::error!(target: "t", "deeper");
            assert_eq!(
                lines.take(),
                format!("[ERROR t] deeper trace_id={trace} span_id={inner}\n")
            );
        });
        log::debug!(target: "t", "filtered");
        assert_eq!(lines.take(), "");
    });

    log::info!(target: "t", room = 8; "outside again");
    assert_eq!(lines.take(), "[INFO  t] outside again room=8\n");
}

#[test]
fn keys_of_the_record_itself_are_kept_once() {
    let _spans = Recorded::start();
    let lines = Lines::default();
    let logger = Correlated::new(lines.logger());
    global::tracer("test").in_span("outer", |context| {
        let (_, span) = ids(&context);
        let own = [("trace_id", "mine"), ("room", "7")];
        let record = Record::builder()
            .args(format_args!("a"))
            .level(log::Level::Info)
            .target("t")
            .key_values(&own)
            .build();
        logger.log(&record);
        assert_eq!(
            lines.take(),
            format!("[INFO  t] a trace_id=mine room=7 span_id={span}\n")
        );
    });
}

#[test]
fn an_unsampled_span_has_ids_too_and_arguments_may_look_at_the_context() {
    struct Looks;

    impl std::fmt::Display for Looks {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            let _attached = Context::current().with_telemetry_suppressed().attach();
            f.write_str("looked")
        }
    }

    let _spans = Recorded::start();
    let lines = Lines::default();
    let logger = Correlated::new(lines.logger());
    let parent = opentelemetry::trace::SpanContext::new(
        1_u128.into(),
        2_u64.into(),
        opentelemetry::TraceFlags::default(),
        true,
        opentelemetry::trace::TraceState::NONE,
    );
    let _current = Context::new().with_remote_span_context(parent).attach();
    logger.log(
        &Record::builder()
            .args(format_args!("{Looks}"))
            .level(log::Level::Info)
            .target("t")
            .build(),
    );
    let expected =
        "[INFO  t] looked trace_id=00000000000000000000000000000001 span_id=0000000000000002\n";
    assert_eq!(lines.take(), expected);
    logger.flush();
}

#[test]
fn the_key_values_can_be_counted_and_looked_up() {
    struct Inspects;

    impl log::Log for Inspects {
        fn enabled(&self, _: &log::Metadata<'_>) -> bool {
            true
        }

        fn log(&self, record: &Record<'_>) {
            let values: &dyn Source = record.key_values();
            assert_eq!(values.count(), 3);
            assert_eq!(
                values
                    .get("room".into())
                    .map(|value| value.to_string())
                    .as_deref(),
                Some("7")
            );
            let trace = values.get("trace_id".into()).map(|value| value.to_string());
            assert_eq!(trace, Some(ids(&Context::current()).0));
            assert!(values.get("other".into()).is_none());
        }

        fn flush(&self) {}
    }

    let _spans = Recorded::start();
    global::tracer("test").in_span("outer", |_| {
        let own = [("room", 7)];
        Correlated::new(Inspects).log(
            &Record::builder()
                .args(format_args!("a"))
                .key_values(&own)
                .build(),
        );
    });
}

/// The one line that `log` writes as JSON, without its time.
fn json(lines: &Lines, log: impl FnOnce(&dyn log::Log)) -> String {
    let logger = env_logger::Builder::new()
        .filter_level(LevelFilter::Info)
        .format(json_line)
        .target(env_logger::Target::Pipe(Box::new(lines.clone())))
        .build();
    log(&logger);
    let line = lines.take();
    let rest = line.strip_prefix("{\"timestamp\":\"").expect("a time");
    let (time, rest) = rest.split_at("2026-01-31T12:00:00.000000Z".len());
    assert!(time.starts_with("20") && time.ends_with('Z'), "{time}");
    rest.strip_prefix("\",").expect("more").to_owned()
}

#[test]
fn a_line_of_json_tells_of_the_span_and_of_the_key_values() {
    let _spans = Recorded::start();
    let lines = Lines::default();
    let own: &[(&str, log::kv::Value<'_>)] = &[
        ("room", 7.into()),
        ("price", 1.0.into()),
        ("rate", f64::NAN.into()),
        ("free", true.into()),
        ("name", "the \"best\"".into()),
        ("big", u128::MAX.into()),
        ("none", log::kv::Value::null()),
        ("room", 8.into()),
    ];
    let record = |arguments: std::fmt::Arguments<'_>, logger: &dyn log::Log| {
        let mut record = Record::builder();
        record.level(log::Level::Warn).target("t").key_values(&own);
        logger.log(&record.args(arguments).build());
    };
    let told = r#""room":8,"price":1.0,"rate":"NaN","free":true,"name":"the \"best\"","big":"340282366920938463463374607431768211455","none":null"#;
    assert_eq!(
        json(&lines, |logger| record(format_args!("a\nb"), logger)),
        format!(
            "\"level\":\"WARN\",\"target\":\"t\",\"message\":\"a\\nb\",\"attributes\":{{{told}}}}}\n"
        )
    );
    global::tracer("test").in_span("outer", |context| {
        let (trace, span) = ids(&context);
        let ids = format!("\"trace_id\":\"{trace}\",\"span_id\":\"{span}\"");
        let expected = format!(
            "\"level\":\"WARN\",\"target\":\"t\",\"message\":\"b\",{ids},\"attributes\":{{{told}}}}}\n"
        );
        // With the ids as key-values and without, there they are once.
        let correlated = |logger: &dyn log::Log| {
            let logger = Correlated::new(logger);
            record(format_args!("b"), &logger);
        };
        assert_eq!(json(&lines, correlated), expected);
        assert_eq!(
            json(&lines, |logger| record(format_args!("b"), logger)),
            expected
        );
    });
}

#[test]
fn a_line_of_json_without_anything_to_add_is_short() {
    let _spans = Recorded::start();
    let lines = Lines::default();
    let log = |logger: &dyn log::Log| {
        logger.log(&Record::builder().args(format_args!("")).target("").build());
    };
    assert_eq!(
        json(&lines, log),
        "\"level\":\"INFO\",\"target\":\"\",\"message\":\"\"}\n"
    );
}
