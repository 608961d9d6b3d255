//! The metrics of the HTTP conventions, as the SDK hands them to an exporter.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    panic::AssertUnwindSafe,
    pin::pin,
    sync::{LazyLock, Mutex, MutexGuard, PoisonError},
    task::{Context as Waker, Waker as NoWaker},
};

use actix_web::{
    App, Error, HttpResponse,
    body::{BodyStream, MessageBody as _},
    dev::Service,
    error::ErrorForbidden,
    http::{Method, Version},
    test::{TestRequest, call_and_read_body, init_service, try_call_service},
    web::{self, Bytes},
};
use futures_util::stream;
use opentelemetry::{KeyValue, global};
use opentelemetry_sdk::metrics::{
    InMemoryMetricExporter, SdkMeterProvider,
    data::{AggregatedMetrics, MetricData},
};
use otel_runtime::instrument::actix_web::RequestTracing;

static METRICS: LazyLock<(SdkMeterProvider, InMemoryMetricExporter)> = LazyLock::new(|| {
    let exporter = InMemoryMetricExporter::default();
    let provider = SdkMeterProvider::builder()
        .with_periodic_exporter(exporter.clone())
        .build();
    global::set_meter_provider(provider.clone());
    (provider, exporter)
});
static ALONE: Mutex<()> = Mutex::new(());

/// The measurements since this was made; other tests wait as long as it lives.
struct Measured {
    before: BTreeMap<String, u64>,
    _alone: MutexGuard<'static, ()>,
}

impl Measured {
    fn start() -> Self {
        let alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
        Self {
            before: durations(),
            _alone: alone,
        }
    }

    /// The requests measured since the start, a line for each set of attributes.
    fn lines(&self) -> Vec<String> {
        let mut lines = Vec::new();
        for (attributes, count) in durations() {
            let new = count - self.before.get(&attributes).copied().unwrap_or_default();
            if new > 0 {
                lines.push(format!("{new}: {attributes}"));
            }
        }
        lines.sort();
        lines
    }
}

/// How many requests were measured, by their attributes.
fn durations() -> BTreeMap<String, u64> {
    let mut counts = BTreeMap::new();
    each("http.server.request.duration", "s", |data| {
        let AggregatedMetrics::F64(MetricData::Histogram(histogram)) = data else {
            panic!("a histogram of seconds, not {data:?}");
        };
        for point in histogram.data_points() {
            let advised = [
                0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0,
            ];
            assert!(point.bounds().eq(advised));
            assert!(point.min().is_some_and(|seconds| seconds < 60.0));
            counts.insert(text(point.attributes()), point.count());
        }
    });
    counts
}

/// How many requests there are just now, by their attributes.
fn active() -> BTreeMap<String, i64> {
    let mut counts = BTreeMap::new();
    each("http.server.active_requests", "{request}", |data| {
        let AggregatedMetrics::I64(MetricData::Sum(sum)) = data else {
            panic!("a sum, not {data:?}");
        };
        assert!(!sum.is_monotonic());
        for point in sum.data_points() {
            counts.insert(text(point.attributes()), point.value());
        }
    });
    counts.retain(|_, count| *count != 0);
    counts
}

fn each(name: &str, unit: &str, mut look: impl FnMut(&AggregatedMetrics)) {
    let (provider, exporter) = &*METRICS;
    exporter.reset();
    provider.force_flush().expect("a flush");
    for resource in exporter.get_finished_metrics().expect("metrics") {
        for scope in resource.scope_metrics() {
            assert_eq!(scope.scope().name(), "otel-runtime");
            for metric in scope.metrics().filter(|metric| metric.name() == name) {
                assert_eq!(metric.unit(), unit);
                look(metric.data());
            }
        }
    }
}

fn text<'a>(attributes: impl Iterator<Item = &'a KeyValue>) -> String {
    let mut attributes: Vec<_> = attributes.collect();
    attributes.sort_by(|a, b| a.key.cmp(&b.key));
    let mut text = String::new();
    for KeyValue { key, value, .. } in attributes {
        let key = key.as_str().rsplit('.').next().unwrap_or_default();
        write!(text, "{key}={value} ").expect("text");
    }
    text.trim_end().to_owned()
}

#[actix_web::test]
async fn requests_are_counted_by_what_the_conventions_name() {
    let measured = Measured::start();
    let app = App::new()
        .wrap(RequestTracing::new().skip_paths(["/live"]))
        .route("/live", web::get().to(HttpResponse::Ok))
        .route("/rooms/{id}", web::get().to(HttpResponse::Ok))
        .route("/broken", web::get().to(HttpResponse::BadGateway));
    let app = init_service(app).await;
    let get = |path| TestRequest::get().uri(path);
    let brew = Method::from_bytes(b"BREW").expect("a method");
    let requests = [
        get("/rooms/1"),
        get("/rooms/2").version(Version::HTTP_2),
        get("/rooms/3").insert_header(("x-forwarded-proto", "https")),
        get("/rooms/4").insert_header(("x-forwarded-proto", "made-up")),
        get("/rooms/5").insert_header(("x-request-id", "1")),
        get("/nowhere/6"),
        get("/broken").method(brew),
        get("/broken"),
        get("/live"),
    ];
    for request in requests {
        call_and_read_body(&app, request.to_request()).await;
    }
    assert_eq!(
        measured.lines(),
        [
            "1: method=GET status_code=200 route=/live version=1.1 scheme=http",
            "1: method=GET status_code=200 route=/rooms/{id} version=1.1 scheme=https",
            "1: method=GET status_code=200 route=/rooms/{id} version=2 scheme=http",
            "1: method=GET status_code=404 version=1.1 scheme=http",
            "1: method=_OTHER status_code=404 route=/broken version=1.1 scheme=http",
            "1: type=502 method=GET status_code=502 route=/broken version=1.1 scheme=http",
            "3: method=GET status_code=200 route=/rooms/{id} version=1.1 scheme=http",
        ]
    );
    assert_eq!(active(), BTreeMap::new());
}

#[actix_web::test]
async fn a_request_is_active_until_its_body_is_sent() {
    let measured = Measured::start();
    let pieces = async |failing: web::Path<bool>| {
        let end = if failing.into_inner() {
            Err(ErrorForbidden("secret"))
        } else {
            Ok(Bytes::new())
        };
        let pieces = [Ok::<_, Error>(Bytes::from_static(b"x")), end];
        HttpResponse::Ok().body(BodyStream::new(stream::iter(pieces)))
    };
    let app = App::new()
        .wrap(RequestTracing::new())
        .route("/{failing}", web::get().to(pieces));
    let app = init_service(app).await;
    for (path, polls) in [("/false", 3), ("/true", 2), ("/false", 1)] {
        let request = TestRequest::get().uri(path).to_request();
        let response = try_call_service(&app, request).await.expect("a response");
        let mut body = pin!(response.into_body());
        let mut waker = Waker::from_waker(NoWaker::noop());
        let one = BTreeMap::from([("method=GET scheme=http".to_owned(), 1)]);
        assert_eq!(active(), one);
        for _ in 0..polls {
            let _ = body.as_mut().poll_next(&mut waker);
        }
    }
    assert_eq!(active(), BTreeMap::new());
    assert_eq!(
        measured.lines(),
        [
            "1: method=GET status_code=200 route=/{failing} version=1.1 scheme=http",
            "1: type=alloc::boxed::Box<dyn core::error::Error> method=GET status_code=200 route=/{failing} \
             version=1.1 scheme=http",
            "1: type=cancelled method=GET status_code=200 route=/{failing} version=1.1 scheme=http",
        ]
    );
}

#[actix_web::test]
async fn panics_and_drops_are_measured_too() {
    let measured = Measured::start();
    let app = App::new()
        .wrap(RequestTracing::new())
        .route(
            "/panic",
            web::get().to(async || -> HttpResponse { panic!("a secret") }),
        )
        .route(
            "/slow",
            web::get().to(async || std::future::pending::<HttpResponse>().await),
        );
    let app = init_service(app).await;
    for path in ["/panic", "/slow"] {
        let mut waker = Waker::from_waker(NoWaker::noop());
        let mut response = Box::pin(app.call(TestRequest::get().uri(path).to_request()));
        let poll = std::panic::catch_unwind(AssertUnwindSafe(|| {
            response.as_mut().poll(&mut waker).is_pending()
        }));
        assert_eq!(poll.is_ok(), path == "/slow");
    }
    assert_eq!(active(), BTreeMap::new());
    assert_eq!(
        measured.lines(),
        [
            "1: type=cancelled method=GET route=/slow version=1.1 scheme=http",
            "1: type=panic method=GET route=/panic version=1.1 scheme=http",
        ]
    );
}
