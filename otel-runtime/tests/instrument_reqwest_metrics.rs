//! The metric of the HTTP conventions for clients, as the SDK hands it to an exporter.

use std::{net::TcpListener, time::Duration};

use actix_web::{App, HttpResponse, HttpServer, web};
use opentelemetry::global;
use opentelemetry_sdk::metrics::{
    InMemoryMetricExporter, SdkMeterProvider,
    data::{AggregatedMetrics, MetricData, ResourceMetrics, ScopeMetrics},
};
use otel_runtime::instrument::reqwest::SendTraced as _;
use reqwest::Client;

/// A line for each set of attributes, with how many requests had it.
fn measured(provider: &SdkMeterProvider, exporter: &InMemoryMetricExporter) -> Vec<String> {
    exporter.reset();
    provider.force_flush().expect("a flush");
    let finished = exporter.get_finished_metrics().expect("metrics");
    let scopes = finished.iter().flat_map(ResourceMetrics::scope_metrics);
    let metrics: Vec<_> = scopes.flat_map(ScopeMetrics::metrics).collect();
    let [metric] = metrics[..] else {
        panic!("one metric")
    };
    assert_eq!(
        (metric.name(), metric.unit()),
        ("http.client.request.duration", "s")
    );
    let AggregatedMetrics::F64(MetricData::Histogram(histogram)) = metric.data() else {
        panic!("a histogram of seconds")
    };
    let lines = histogram.data_points().map(|point| {
        let advised = [
            0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0,
        ];
        assert!(point.bounds().eq(advised));
        assert!(point.max().is_some_and(|seconds| seconds < 60.0));
        let attributes = point.attributes();
        let mut attributes: Vec<_> = attributes
            .map(|attribute| format!("{}={}", attribute.key, attribute.value))
            .collect();
        attributes.sort();
        format!("{}: {}", point.count(), attributes.join(" "))
    });
    let mut lines: Vec<_> = lines.collect();
    lines.sort();
    lines
}

#[actix_web::test]
async fn requests_are_counted_by_what_the_conventions_name() {
    let exporter = InMemoryMetricExporter::default();
    let provider = SdkMeterProvider::builder()
        .with_periodic_exporter(exporter.clone())
        .build();
    global::set_meter_provider(provider.clone());
    let server = HttpServer::new(|| {
        App::new()
            .route("/", web::get().to(HttpResponse::Ok))
            .route("/slow", web::get().to(std::future::pending::<HttpResponse>))
    });
    let server = server.workers(1).disable_signals().bind(("127.0.0.1", 0));
    let server = server.expect("a port");
    let port = server.addrs()[0].port();
    let server = server.run();
    let handle = server.handle();
    actix_web::rt::spawn(server);
    let closed = {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port");
        listener.local_addr().expect("an address").port()
    };

    // No span is recorded: there is no provider for them.
    let client = Client::builder().no_proxy().build().expect("a client");
    let url = format!("http://127.0.0.1:{port}");
    for _ in 0..2 {
        let answer = client.get(&url).send_traced().await;
        assert_eq!(answer.expect("an answer").status(), 200);
    }
    let answer = client.request("BREW".parse().expect("a method"), &url);
    assert_eq!(answer.send_traced().await.expect("an answer").status(), 404);
    let refused = client
        .get(format!("http://127.0.0.1:{closed}"))
        .send_traced();
    assert!(refused.await.is_err());
    let slow = client.get(format!("{url}/slow")).send_traced();
    assert!(
        tokio::time::timeout(Duration::from_millis(50), slow)
            .await
            .is_err()
    );

    let here = format!("server.address=127.0.0.1 server.port={port}");
    assert_eq!(
        measured(&provider, &exporter),
        [
            format!(
                "1: error.type=404 http.request.method=_OTHER http.response.status_code=404 network.protocol.version=1.1 {here}"
            ),
            format!(
                "1: error.type=connection_refused http.request.method=GET server.address=127.0.0.1 server.port={closed}"
            ),
            format!("1: http.request.method=GET {here}"),
            format!(
                "2: http.request.method=GET http.response.status_code=200 network.protocol.version=1.1 {here}"
            ),
        ]
    );
    handle.stop(false).await;
}
