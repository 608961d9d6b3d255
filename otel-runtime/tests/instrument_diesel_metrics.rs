//! How long queries take, as the SDK hands it to an exporter.

use std::collections::BTreeMap;

use diesel::{
    RunQueryDsl as _, SqliteConnection,
    connection::{Connection as _, SimpleConnection as _},
    r2d2::{ConnectionManager, Pool},
};
use opentelemetry::{
    Context, global,
    trace::{SpanContext, TraceContextExt as _, TraceFlags, TraceState},
};
use opentelemetry_sdk::metrics::{
    InMemoryMetricExporter, SdkMeterProvider,
    data::{AggregatedMetrics, MetricData, ResourceMetrics, ScopeMetrics},
};
use otel_runtime::{
    instrument::diesel::{QuerySpans, TracedPool},
    testing::Spans,
};

/// How many queries were measured, by their attributes.
fn measured(provider: &SdkMeterProvider, exporter: &InMemoryMetricExporter) -> Vec<String> {
    exporter.reset();
    provider.force_flush().expect("a flush");
    let resources = exporter.get_finished_metrics().expect("metrics");
    let scopes = resources.iter().flat_map(ResourceMetrics::scope_metrics);
    let mut metrics = scopes.flat_map(ScopeMetrics::metrics);
    let duration = metrics.find(|metric| metric.name() == "db.client.operation.duration");
    let duration = duration.expect("something is measured");
    assert_eq!(duration.unit(), "s");
    let AggregatedMetrics::F64(MetricData::Histogram(histogram)) = duration.data() else {
        panic!("a histogram of seconds, not {duration:?}");
    };
    let mut lines = Vec::new();
    for point in histogram.data_points() {
        let advised = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 10.0];
        assert!(point.bounds().eq(advised));
        assert!(point.min().is_some_and(|seconds| seconds < 60.0));
        let attributes = point.attributes();
        let attributes: BTreeMap<_, _> = attributes
            .map(|attribute| (attribute.key.as_str(), attribute.value.to_string()))
            .collect();
        lines.push(format!("{} {attributes:?}", point.count()));
    }
    lines.sort();
    lines
}

#[test]
fn queries_are_measured_sampled_or_not() {
    let exporter = InMemoryMetricExporter::default();
    let provider = SdkMeterProvider::builder()
        .with_periodic_exporter(exporter.clone())
        .build();
    global::set_meter_provider(provider.clone());
    let spans = Spans::new();
    let telemetry = otel_runtime::builder()
        .batch_span_exporter(spans.exporter())
        .init()
        .expect("telemetry starts");

    let mut connection = SqliteConnection::establish(":memory:").expect("a database in memory");
    connection.set_instrumentation(QuerySpans::for_url("postgres://alice:secret@db:5433/rooms"));
    connection.batch_execute("VACUUM").expect("executed");
    let unsampled = SpanContext::new(
        1_u128.into(),
        2_u64.into(),
        TraceFlags::NOT_SAMPLED,
        true,
        TraceState::NONE,
    );
    let under = |context: Context, sql, connection: &mut SqliteConnection| {
        let _current = context.attach();
        let _ = diesel::sql_query(sql).execute(connection);
    };
    let context = || Context::new().with_remote_span_context(unsampled.clone());
    under(context(), "VACUUM", &mut connection);
    under(context(), "SELECT 'secret'", &mut connection);
    under(context(), "SELEKT 'secret'", &mut connection);
    let suppressed = Context::new().with_telemetry_suppressed();
    under(suppressed, "SELECT 1 AS one", &mut connection);
    // Nor is the check of a pool.
    let pool = Pool::builder()
        .max_size(1)
        .build(ConnectionManager::<SqliteConnection>::new(":memory:"))
        .expect("a pool");
    let pool = TracedPool::for_url(pool, ":memory:");
    let mut pooled = pool.get().expect("a connection");
    pooled.set_instrumentation(QuerySpans::new());
    drop(pooled);
    drop(pool.get().expect("a connection"));

    let of = r#""db.namespace": "rooms""#;
    let at = r#""db.system.name": "postgresql""#;
    let server = r#""server.address": "db", "server.port": "5433""#;
    assert_eq!(
        measured(&provider, &exporter),
        [
            format!(r#"1 {{{of}, "db.query.summary": "SELECT", {at}, {server}}}"#),
            format!(r#"1 {{{of}, {at}, "error.type": "DatabaseError", {server}}}"#),
            format!(r#"2 {{{of}, "db.query.summary": "VACUUM", {at}, {server}}}"#),
        ]
    );
    telemetry.force_flush().expect("spans are exported");
    assert_eq!(spans.finished().len(), 1);
}
