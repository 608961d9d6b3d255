use std::cell::RefCell;
use std::collections::BTreeSet;
use std::time::Duration;

use super::*;

fn read(variables: &[(&str, &str)]) -> Settings {
    Settings::read(|name| {
        let (_, value) = variables.iter().find(|(it, _)| *it == name)?;
        Some((*value).to_owned())
    })
}

/// The settings, and no complaint about them.
#[track_caller]
fn accept(variables: &[(&str, &str)]) -> Settings {
    let settings = read(variables);
    assert_eq!(settings.warnings, Vec::<String>::new());
    settings
}

/// The settings, and the one complaint about them.
#[track_caller]
fn refuse(variables: &[(&str, &str)], warning: &str) -> Settings {
    let settings = read(variables);
    assert_eq!(settings.warnings, [warning]);
    settings
}

#[test]
fn nothing_set_exports_nothing_and_propagates() {
    let settings = accept(&[
        ("OTEL_TRACES_EXPORTER", ""),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", " "),
    ]);
    assert_eq!(settings.traces.exporters, []);
    assert_eq!(
        settings.propagators,
        [Propagator::TraceContext, Propagator::Baggage]
    );
    assert!(!settings.disabled);
    assert!(settings.sampler.is_none());
    assert_eq!(settings.traces.batch, signal::Batch::default());
}

#[test]
fn an_endpoint_alone_means_otlp_over_http() {
    for name in [
        "OTEL_EXPORTER_OTLP_ENDPOINT",
        "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
    ] {
        assert_eq!(
            accept(&[(name, "http://jaeger:4318")]).traces.exporters,
            [Exporter::Otlp(Protocol::HttpProtobuf)]
        );
    }
}

#[test]
fn the_exporter_list_wins_over_the_endpoint() {
    let endpoint = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://jaeger:4317");
    let exporters = |list| {
        accept(&[endpoint, ("OTEL_TRACES_EXPORTER", list)])
            .traces
            .exporters
    };
    assert_eq!(exporters("none"), []);
    assert_eq!(
        exporters("console,otlp/stdout"),
        [Exporter::Console, Exporter::Otlp(Protocol::Stdout)]
    );
    assert_eq!(
        exporters("Console, otlp,otlp"),
        [Exporter::Console, Exporter::Otlp(Protocol::HttpProtobuf)]
    );
}

#[test]
fn logs_are_exported_only_where_it_is_said() {
    let endpoint = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector:4318");
    let of_logs = (
        "OTEL_EXPORTER_OTLP_LOGS_ENDPOINT",
        "http://logs:4318/v1/logs",
    );
    assert_eq!(accept(&[endpoint, of_logs]).logs.exporters, []);
    let logs = accept(&[endpoint, of_logs, ("OTEL_LOGS_EXPORTER", "otlp")]).logs;
    assert_eq!(logs.exporters, [Exporter::Otlp(Protocol::HttpProtobuf)]);
    assert_eq!(logs.endpoint.as_ref().map(|it| &*it.text), Some(of_logs.1));
    let settings = accept(&[endpoint, ("OTEL_LOGS_EXPORTER", "console,none")]);
    assert_eq!(settings.logs.exporters, [Exporter::Console]);
    assert_eq!(
        settings.logs.endpoint.map(|it| it.text).as_deref(),
        Some(endpoint.1)
    );
}

#[test]
fn each_signal_has_batches_of_its_own() {
    let settings = accept(&[
        ("OTEL_BSP_SCHEDULE_DELAY", "1"),
        ("OTEL_BSP_EXPORT_TIMEOUT", "2"),
        ("OTEL_BLRP_MAX_QUEUE_SIZE", "3"),
        ("OTEL_BLRP_MAX_EXPORT_BATCH_SIZE", "4"),
    ]);
    let traces = signal::Batch {
        schedule_delay: Some(Duration::from_millis(1)),
        export_timeout: Some(Duration::from_millis(2)),
        ..signal::Batch::default()
    };
    assert_eq!(settings.traces.batch, traces);
    let logs = signal::Batch {
        max_queue_size: Some(3),
        max_export_batch_size: Some(4),
        ..signal::Batch::default()
    };
    assert_eq!(settings.logs.batch, logs);
}

#[test]
fn exports_never_follow_each_other_without_a_pause() {
    let settings = accept(&[
        ("OTEL_BSP_SCHEDULE_DELAY", "0"),
        ("OTEL_BLRP_SCHEDULE_DELAY", "0"),
    ]);
    for batch in [settings.traces.batch, settings.logs.batch] {
        assert_eq!(batch.schedule_delay, Some(Duration::from_millis(1)));
    }
}

#[test]
fn what_counts_for_both_signals_is_complained_of_once() {
    let settings = refuse(
        &[
            ("OTEL_TRACES_EXPORTER", "otlp"),
            ("OTEL_LOGS_EXPORTER", "otlp"),
            ("OTEL_EXPORTER_OTLP_PROTOCOL", "http"),
        ],
        "OTEL_EXPORTER_OTLP_PROTOCOL is `http`, which is ignored; it takes `http/protobuf`, `http/json` or `grpc`",
    );
    assert_eq!(settings.logs.exporters, settings.traces.exporters);
}

#[test]
fn the_protocol_of_traces_wins() {
    let settings = accept(&[
        ("OTEL_TRACES_EXPORTER", "otlp"),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf"),
        ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "gRPC"),
    ]);
    assert_eq!(settings.traces.exporters, [Exporter::Otlp(Protocol::Grpc)]);
}

#[test]
fn the_time_out_of_traces_wins() {
    let timeout = |pairs: &[(&str, &str)]| accept(pairs).traces.timeout.as_millis();
    let of_any = ("OTEL_EXPORTER_OTLP_TIMEOUT", "70");
    let of_traces = ("OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", "50");
    assert_eq!(timeout(&[]), 10_000);
    assert_eq!(timeout(&[of_any]), 70);
    assert_eq!(timeout(&[of_any, of_traces]), 50);
}

#[test]
fn what_is_not_understood_is_named_and_ignored() {
    let settings = refuse(
        &[("OTEL_TRACES_EXPORTER", "zipkin,console")],
        "OTEL_TRACES_EXPORTER is `zipkin`, which is ignored; it takes a comma list of `otlp`, `otlp/stdout`, `console`, or `none`",
    );
    assert_eq!(settings.traces.exporters, [Exporter::Console]);
    let settings = refuse(
        &[("OTEL_BSP_SCHEDULE_DELAY", "soon")],
        "OTEL_BSP_SCHEDULE_DELAY is `soon`, which is ignored; it takes a whole number, not negative",
    );
    assert_eq!(settings.traces.batch.schedule_delay, None);
    let settings = refuse(
        &[("OTEL_BSP_MAX_QUEUE_SIZE", "99999999999999999999")],
        "OTEL_BSP_MAX_QUEUE_SIZE is `99999999999999999999`, which is ignored; it takes a smaller number",
    );
    assert_eq!(settings.traces.batch.max_queue_size, None);
    let settings = refuse(
        &[("OTEL_BSP_MAX_QUEUE_SIZE", "0")],
        "OTEL_BSP_MAX_QUEUE_SIZE is `0`, which is ignored; it takes a whole number greater than 0",
    );
    assert_eq!(settings.traces.batch.max_queue_size, None);
    refuse(
        &[("OTEL_CONFIG_FILE", "otel.yaml")],
        "OTEL_CONFIG_FILE is not supported; use the other OTEL_ variables, or the builder",
    );
}

#[test]
fn only_true_disables() {
    assert!(accept(&[("OTEL_SDK_DISABLED", "TRUE")]).disabled);
    assert!(!accept(&[("OTEL_SDK_DISABLED", "False")]).disabled);
    let settings = refuse(
        &[("OTEL_SDK_DISABLED", "1")],
        "OTEL_SDK_DISABLED is `1`, which is ignored; it takes `true` or `false`",
    );
    assert!(!settings.disabled);
}

#[test]
fn propagators_can_be_chosen() {
    let propagators = |list| accept(&[("OTEL_PROPAGATORS", list)]).propagators;
    assert_eq!(propagators("none"), []);
    let settings = refuse(
        &[("OTEL_PROPAGATORS", "b3-multi")],
        "OTEL_PROPAGATORS is `b3-multi`, which is ignored; it takes a comma list of `tracecontext`, `baggage`, `b3`, `b3multi`, or `none`",
    );
    assert_eq!(
        settings.propagators,
        [Propagator::TraceContext, Propagator::Baggage]
    );
    assert_eq!(propagators("baggage,baggage"), [Propagator::Baggage]);
    assert_eq!(
        propagators("B3, b3multi"),
        [Propagator::B3, Propagator::B3Multi]
    );
}

#[test]
fn samplers_are_read_in_any_case() {
    let sampler = |name, argument| {
        let variables = [
            ("OTEL_TRACES_SAMPLER", name),
            ("OTEL_TRACES_SAMPLER_ARG", argument),
        ];
        format!("{:?}", accept(&variables).sampler)
    };
    assert_eq!(sampler("Always_Off", ""), "Some(AlwaysOff)");
    assert_eq!(
        sampler("traceidratio", "0.1"),
        "Some(TraceIdRatioBased(0.1))"
    );
    assert_eq!(
        sampler("parentbased_traceidratio", "0.5"),
        "Some(ParentBased(TraceIdRatioBased(0.5)))"
    );
    let settings = refuse(
        &[
            ("OTEL_TRACES_SAMPLER", "traceidratio"),
            ("OTEL_TRACES_SAMPLER_ARG", "2"),
        ],
        "OTEL_TRACES_SAMPLER_ARG is `2`, which is ignored; it takes a number between 0.0 and 1.0",
    );
    assert_eq!(
        format!("{:?}", settings.sampler),
        "Some(TraceIdRatioBased(1.0))"
    );
}

#[test]
fn resource_attributes_are_decoded_and_the_service_name_wins() {
    let settings = accept(&[
        (
            "OTEL_RESOURCE_ATTRIBUTES",
            "service.name=a, team = caf%C3%A9%2Cbar",
        ),
        ("OTEL_SERVICE_NAME", "dispo"),
    ]);
    assert_eq!(
        settings.resource,
        [
            KeyValue::new("service.name", "a"),
            KeyValue::new("team", "café,bar"),
            KeyValue::new("service.name", "dispo"),
        ]
    );
}

#[test]
fn a_malformed_resource_list_is_dropped_whole() {
    for text in ["a=b,c", "a=%zz", "a=%4", "=b", "a=%FF"] {
        let settings = read(&[("OTEL_RESOURCE_ATTRIBUTES", text)]);
        assert_eq!(
            (settings.resource.len(), settings.warnings.len()),
            (0, 1),
            "{text}"
        );
    }
}

#[test]
fn limits_of_spans_win_over_general_ones() {
    let limits = accept(&[
        ("OTEL_ATTRIBUTE_COUNT_LIMIT", "7"),
        ("OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT", "5"),
        ("OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT", "3"),
    ])
    .limits;
    assert_eq!(limits.max_attributes_per_span, 5);
    assert_eq!(limits.max_attributes_per_event, 3);
}

#[test]
fn texts_can_be_limited() {
    let length = |pairs: &[(&str, &str)]| accept(pairs).max_value_length;
    assert_eq!(length(&[]), None);
    let of_any = ("OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT", "7");
    let of_spans = ("OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT", "5");
    assert_eq!(length(&[of_any]), Some(7));
    assert_eq!(length(&[of_any, of_spans]), Some(5));
}

#[test]
fn diagnostics_can_be_silenced() {
    assert_eq!(
        accept(&[("OTEL_LOG_LEVEL", "none")]).diagnostics,
        Level::Off
    );
    assert_eq!(
        accept(&[("OTEL_LOG_LEVEL", "INFO")]).diagnostics,
        Level::Info
    );
}

#[test]
fn span_rules_are_read_whole_or_not_at_all() {
    assert!(
        accept(&[("OTEL_RUNTIME_SPANS", "a=off,b.*=on")])
            .rules
            .is_some()
    );
    let settings = refuse(
        &[("OTEL_RUNTIME_SPANS", "a=off,b")],
        "OTEL_RUNTIME_SPANS is `a=off,b`, which is ignored; it takes a comma list of `pattern=on` and `pattern=off`",
    );
    assert_eq!(settings.rules, None);
}

#[test]
fn files_and_schemes_of_a_signal_win() {
    let settings = accept(&[
        ("OTEL_EXPORTER_OTLP_CERTIFICATE", "/all.pem"),
        ("OTEL_EXPORTER_OTLP_LOGS_CERTIFICATE", "/logs.pem"),
        ("OTEL_EXPORTER_OTLP_CLIENT_KEY", "/key.pem"),
        ("OTEL_EXPORTER_OTLP_TRACES_INSECURE", "True"),
    ]);
    let authorities = |signal: &Signal| {
        let file = signal.tls.authorities.as_ref()?;
        Some((file.path.to_str()?.to_owned(), file.variable))
    };
    assert_eq!(
        authorities(&settings.traces),
        Some(("/all.pem".to_owned(), "OTEL_EXPORTER_OTLP_CERTIFICATE"))
    );
    assert_eq!(
        authorities(&settings.logs),
        Some((
            "/logs.pem".to_owned(),
            "OTEL_EXPORTER_OTLP_LOGS_CERTIFICATE"
        ))
    );
    assert!(settings.logs.tls.key.is_some() && settings.logs.tls.certificate.is_none());
    assert!(settings.traces.is_insecure && !settings.logs.is_insecure);
    let settings = refuse(
        &[
            ("OTEL_EXPORTER_OTLP_INSECURE", "true"),
            ("OTEL_EXPORTER_OTLP_TRACES_INSECURE", "1"),
        ],
        "OTEL_EXPORTER_OTLP_TRACES_INSECURE is `1`, which is ignored; it takes `true` or `false`",
    );
    assert!(!settings.traces.is_insecure && settings.logs.is_insecure);
}

#[test]
fn no_time_out_is_written_as_zero() {
    let century = 100 * 365 * 24 * 60 * 60;
    let traces = accept(&[("OTEL_EXPORTER_OTLP_TIMEOUT", "0")]).traces;
    assert!(traces.timeout.as_secs() >= century);
    let traces = accept(&[("OTEL_BSP_EXPORT_TIMEOUT", "0")]).traces;
    assert_eq!(traces.of_batch().as_secs(), 10);
}

#[test]
fn what_is_read_is_what_is_documented() {
    let read = RefCell::new(BTreeSet::new());
    Settings::read(|name| {
        read.borrow_mut().insert(name.to_owned());
        let value = match name {
            "OTEL_TRACES_EXPORTER" | "OTEL_LOGS_EXPORTER" => "otlp",
            "OTEL_TRACES_SAMPLER" => "traceidratio",
            _ => return None,
        };
        Some(value.to_owned())
    });
    let text = include_str!("../environment.md");
    let words = text.split(|char: char| !(char.is_ascii_uppercase() || char == '_'));
    let words = words.filter(|word| word.starts_with("OTEL_") && !word.ends_with('_'));
    let mut documented = BTreeSet::new();
    for word in words {
        documented.insert(word.to_owned());
        // Each of these is there for one signal as well.
        if let Some(rest) = word.strip_prefix("OTEL_EXPORTER_OTLP_") {
            documented.insert(format!("OTEL_EXPORTER_OTLP_TRACES_{rest}"));
            documented.insert(format!("OTEL_EXPORTER_OTLP_LOGS_{rest}"));
        }
    }
    // Named only to say that nothing of it is read.
    documented.remove("OTEL_METRICS_EXPORTER");
    assert_eq!(documented, read.into_inner());
}
