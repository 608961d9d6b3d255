//! A real server on a real socket, and a client that has a trace of its own.

use std::{net::SocketAddr, time::Duration};

use crate::recorded::Recorded;
use actix_web::{
    App, HttpResponse, HttpServer,
    body::BodyStream,
    web::{self, Bytes},
};
use futures_util::stream;
use opentelemetry::{
    Context, global,
    trace::{Status, Tracer as _},
};
use otel_runtime::CANCELLED;
use otel_runtime::instrument::actix_web::{RequestTracing, block};
use otel_runtime::testing::{Detail, tree};

const SAMPLED: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
const UNSAMPLED: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00";

/// Makes a span here, one after an await, and one on the blocking pool.
async fn book(id: web::Path<u32>) -> HttpResponse {
    global::tracer("test").in_span("before", |_| ());
    actix_web::rt::task::yield_now().await;
    global::tracer("test").in_span("after", |_| ());
    let thread = std::thread::current().id();
    let other = block(move || {
        global::tracer("test").in_span("store", |_| ());
        std::thread::current().id() != thread
    });
    assert!(other.await.expect("the pool works"));
    HttpResponse::Ok().json(*id)
}

/// Answers with what would be sent to the next service.
async fn pass_on() -> HttpResponse {
    let mut headers = std::collections::HashMap::new();
    let context = Context::current();
    global::get_text_map_propagator(|propagator| propagator.inject_context(&context, &mut headers));
    HttpResponse::Ok().json(headers)
}

/// A body that is sent piece by piece, as long as there is somebody to send it to.
async fn endless() -> HttpResponse {
    let pieces = stream::repeat_with(|| Ok::<_, actix_web::Error>(Bytes::from(vec![0; 65_536])));
    HttpResponse::Ok().body(BodyStream::new(pieces))
}

fn serve() -> (SocketAddr, actix_web::dev::ServerHandle) {
    let app = || {
        App::new()
            .wrap(RequestTracing::new())
            .route("/api/v1/bookings/{id}", web::post().to(book))
            .route("/pass-on", web::get().to(pass_on))
            .route(
                "/unprocessable",
                web::get().to(HttpResponse::UnprocessableEntity),
            )
            .route("/broken", web::get().to(HttpResponse::InternalServerError))
            .route(
                "/slow",
                web::get().to(async || std::future::pending::<HttpResponse>().await),
            )
            .route("/endless", web::get().to(endless))
            .route(
                "/panic",
                web::get().to(async || -> HttpResponse { panic!("no") }),
            )
    };
    let server = HttpServer::new(app)
        .workers(2)
        .disable_signals()
        .h1_allow_half_closed(false)
        .bind(("127.0.0.1", 0))
        .expect("a port");
    let address = server.addrs()[0];
    let server = server.run();
    let handle = server.handle();
    actix_web::rt::spawn(server);
    (address, handle)
}

fn client() -> reqwest::Client {
    reqwest::Client::builder()
        .user_agent("test/1")
        .no_proxy()
        .build()
        .expect("a client")
}

#[actix_web::test]
async fn a_request_joins_its_callers_trace() {
    let spans = Recorded::start();
    let (address, server) = serve();
    let url = format!("http://{address}/api/v1/bookings/7?q=1");
    let response = client()
        .post(&url)
        .header("traceparent", SAMPLED)
        .send()
        .await
        .expect("an answer");
    assert_eq!(response.status(), 200);
    assert_eq!(response.text().await.expect("a body"), "7");
    spans.wait_for(4).await;

    let mut finished = spans.finished();
    assert!(
        finished
            .iter()
            .all(|span| span.trace_id.to_string() == "0af7651916cd43dd8448eb211c80319c")
    );
    // The client's port is whatever the system gave it.
    let request = finished
        .iter_mut()
        .find(|span| span.name.starts_with("POST"))
        .expect("the request's span");
    assert_eq!(
        request.parent_span_id.map(|id| id.to_string()).as_deref(),
        Some("b7ad6b7169203331")
    );
    let (ports, others) = std::mem::take(&mut request.attributes)
        .into_iter()
        .partition::<Vec<_>, _>(|attribute| attribute.key.as_str() == "network.peer.port");
    request.attributes = others;
    assert_eq!(ports.len(), 1);
    let port = address.port();
    let expected = format!(
        r#"SERVER POST /api/v1/bookings/{{id}} (remote parent)
    · client.address = "127.0.0.1"
    · http.request.method = "POST"
    · http.response.status_code = 200
    · http.route = "/api/v1/bookings/{{id}}"
    · network.peer.address = "127.0.0.1"
    · network.protocol.version = "1.1"
    · server.address = "127.0.0.1"
    · server.port = {port}
    · url.path = "/api/v1/bookings/7"
    · url.query = "q=1"
    · url.scheme = "http"
    · user_agent.original = "test/1"
  INTERNAL before
  INTERNAL after
  INTERNAL store"#
    );
    assert_eq!(tree(&finished, Detail::NAMES.with_attributes()), expected);
    server.stop(true).await;
}

#[actix_web::test]
async fn names_and_statuses_follow_routes_and_answers() {
    let spans = Recorded::start();
    let (address, server) = serve();
    let client = client();
    let mut told = Vec::new();
    let requests = [
        ("GET", "/unprocessable"),
        ("GET", "/broken"),
        ("GET", "/nowhere/7"),
        ("DELETE", "/unprocessable"),
        ("HEAD", "/unprocessable"),
        ("GET", "/api/v1/bookings/7"),
        ("POST", "/api/v1/bookings/none"),
    ];
    for (count, (method, path)) in requests.into_iter().enumerate() {
        let method = method.parse().expect("a method");
        let answer = client
            .request(method, format!("http://{address}{path}"))
            .send()
            .await
            .expect("an answer");
        spans.wait_for(count + 1).await;
        let span = spans.finished().remove(count);
        assert_eq!(span.parent_span_id, None);
        let route = span
            .attributes
            .iter()
            .any(|attribute| attribute.key.as_str() == "http.route");
        assert_eq!(route, span.name.contains(' '));
        let status = match span.status {
            Status::Unset => "unset",
            Status::Error { description } if description.is_empty() => "error",
            other => panic!("{other:?}"),
        };
        told.push(format!(
            "{} {status} {}",
            answer.status().as_u16(),
            span.name
        ));
    }
    assert_eq!(
        told,
        [
            "422 unset GET /unprocessable",
            "500 error GET /broken",
            "404 unset GET",
            "404 unset DELETE /unprocessable",
            "404 unset HEAD /unprocessable",
            "404 unset GET /api/v1/bookings/{id}",
            "404 unset POST /api/v1/bookings/{id}",
        ],
    );
    server.stop(true).await;
}

#[actix_web::test]
async fn a_panic_loses_the_connection_but_not_the_span() {
    let spans = Recorded::start();
    let (address, server) = serve();
    assert!(
        client()
            .get(format!("http://{address}/panic"))
            .send()
            .await
            .is_err()
    );
    spans.wait_for(1).await;
    let span = spans.finished().remove(0);
    assert_eq!(
        (span.name.as_str(), span.status),
        ("GET /panic", Status::error("no"))
    );
    server.stop(true).await;
}

#[actix_web::test]
async fn an_unsampled_caller_makes_no_spans_and_is_passed_on() {
    let spans = Recorded::start();
    let (address, server) = serve();
    let url = format!("http://{address}/pass-on");
    let request = client()
        .get(&url)
        .header("traceparent", UNSAMPLED)
        .header("tracestate", "a=1")
        .header("baggage", "b=2");
    let answer = request
        .send()
        .await
        .expect("an answer")
        .text()
        .await
        .expect("a body");
    assert!(
        answer.contains("00-0af7651916cd43dd8448eb211c80319c-"),
        "{answer}"
    );
    assert!(answer.contains("-00\""), "{answer}");
    assert!(
        answer.contains("\"a=1\"") && answer.contains("\"b=2\""),
        "{answer}"
    );

    // Not one more trace afterwards than the request that has one.
    let answer = client()
        .get(&url)
        .header("traceparent", "00-broken")
        .send()
        .await
        .expect("an answer");
    assert_eq!(answer.status(), 200);
    spans.wait_for(1).await;
    assert_eq!(spans.finished().len(), 1);
    assert_eq!(spans.finished()[0].parent_span_id, None);
    server.stop(true).await;
}

#[actix_web::test]
async fn a_connection_that_is_dropped_ends_the_span_marked() {
    let spans = Recorded::start();
    let (address, server) = serve();
    let mut endless = client()
        .get(format!("http://{address}/endless"))
        .send()
        .await
        .expect("an answer");
    assert!(endless.chunk().await.expect("a piece").is_some());
    assert_eq!(spans.finished().len(), 0, "the body is being sent");
    drop(endless);
    spans.wait_for(1).await;

    let url = format!("http://{address}/slow");
    let brief = client().get(&url).timeout(Duration::from_millis(50));
    assert!(brief.send().await.is_err());
    spans.wait_for(2).await;

    let told = spans.finished().into_iter().map(|span| {
        let has = |key| {
            let mut attributes = span.attributes.iter();
            attributes.any(|attribute| attribute.key.as_str() == key)
        };
        let status = has("http.response.status_code");
        (
            span.name.clone(),
            span.status.clone(),
            has(CANCELLED),
            status,
        )
    });
    assert_eq!(
        told.collect::<Vec<_>>(),
        [
            ("GET /endless".to_owned(), Status::error(""), true, true),
            ("GET /slow".to_owned(), Status::error(""), true, false),
        ]
    );
    server.stop(false).await;
}

#[actix_web::test]
async fn a_caller_that_says_its_trace_id_is_random_is_joined_too() {
    let spans = Recorded::start();
    let (address, server) = serve();
    let random = SAMPLED.replace("-01", "-03");
    let request = client().get(format!("http://{address}/pass-on"));
    let answer = request.header("traceparent", random).send().await;
    let answer = answer.expect("an answer").text().await.expect("a body");
    assert!(
        answer.contains("00-0af7651916cd43dd8448eb211c80319c-") && answer.contains("-01\""),
        "{answer}"
    );
    spans.wait_for(1).await;
    let parent = spans.finished()[0].parent_span_id.map(|id| id.to_string());
    assert_eq!(parent.as_deref(), Some("b7ad6b7169203331"));
    server.stop(true).await;
}
