//! What the middleware can be told: what to skip, what to record in addition, how to name.

use std::collections::HashMap;

use crate::recorded::Recorded;
use actix_web::{
    App, Error, HttpResponse,
    body::{BodyStream, MessageBody},
    dev::{ResponseHead, ServiceRequest},
    error::{ErrorForbidden, InternalError},
    middleware::{Next, from_fn},
    test::{TestRequest, call_and_read_body, call_service, init_service, try_call_service},
    web::{self, Bytes},
};
use futures_util::stream;
use opentelemetry::{Context, KeyValue, global, trace::Tracer as _};
use otel_runtime::instrument::actix_web::{RequestTracing, block};
use otel_runtime::testing::SpanRecord;

const CALLER: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

fn get(path: &str) -> TestRequest {
    TestRequest::get().uri(path)
}

fn traceparent() -> String {
    let mut headers = HashMap::new();
    global::get_text_map_propagator(|propagator| {
        propagator.inject_context(&Context::current(), &mut headers);
    });
    headers.remove("traceparent").unwrap_or_default()
}

#[otel_runtime::traced_span("annotated")]
fn annotated() {}

/// Tries to make spans in every way there is, and answers with what would be sent to another service.
async fn busy() -> HttpResponse {
    annotated();
    global::tracer("test").in_span("before", |_| ());
    actix_web::rt::task::yield_now().await;
    block(annotated).await.expect("the pool works");
    // Whatever the sampler.
    assert!(Context::is_current_telemetry_suppressed());
    let chunk = stream::once(async {
        annotated();
        Ok::<_, Error>(Bytes::from(traceparent()))
    });
    HttpResponse::Ok().body(BodyStream::new(Box::pin(chunk)))
}

#[actix_web::test]
async fn nothing_that_a_skipped_request_does_makes_spans() {
    let spans = Recorded::start();
    let inner = web::scope("/inner")
        .wrap(RequestTracing::new())
        .route("/live", web::get().to(busy));
    let tracing = RequestTracing::new()
        .skip_paths(["/live", "/inner/*"])
        .skip_if(|request: &ServiceRequest| request.query_string() == "quiet");
    let app = App::new()
        .wrap(tracing)
        .service(inner)
        .default_service(web::to(busy));
    let app = init_service(app).await;
    for path in ["/live", "/live?deep", "/inner/live", "/other?quiet"] {
        let joined = get(path).insert_header(("traceparent", CALLER));
        let sent = call_and_read_body(&app, joined.to_request()).await;
        assert_eq!(
            sent, "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00",
            "{path}: the caller's trace, not sampled from here on"
        );
        let sent = call_and_read_body(&app, get(path).to_request()).await;
        let sent = String::from_utf8(sent.to_vec()).expect("a header");
        assert!(
            sent.len() == CALLER.len() && sent.ends_with("-00"),
            "{path}: {sent}"
        );
    }
    assert!(!Context::is_current_telemetry_suppressed());
    spans.check("");
}

#[actix_web::test]
async fn other_requests_are_not_skipped() {
    let spans = Recorded::start();
    let tracing = RequestTracing::new()
        .skip_paths(["/live", "/health/*"])
        .skip_if(|_: &ServiceRequest| panic!("a mistake in the user's code"));
    let app = init_service(App::new().wrap(tracing)).await;
    let paths = ["/live/", "/", "/liv", "/alive", "/health"];
    for path in paths {
        call_service(&app, get(path).to_request()).await;
    }
    let traced = spans
        .finished()
        .into_iter()
        .map(|span| text(&span, "url.path"));
    assert_eq!(traced.collect::<Vec<_>>(), paths);
}

#[actix_web::test]
async fn listed_headers_are_recorded_and_no_others() {
    let spans = Recorded::start();
    let answer = async || {
        HttpResponse::Ok()
            .append_header(("x-shard", "1"))
            .append_header(("x-shard", "2"))
            .append_header(("set-cookie", "secret"))
            .body("body")
    };
    let tracing = RequestTracing::new()
        .request_headers(["X-Request-ID", "accept", "no header"])
        .request_headers(["x-raw"])
        .response_headers(["X-Shard", "x-absent"]);
    let app = App::new().wrap(tracing).route("/", web::get().to(answer));
    let app = init_service(app).await;
    let request = get("/")
        .append_header(("x-request-id", "a"))
        .append_header(("x-request-id", "b, c"))
        .append_header(("authorization", "secret"))
        .append_header(("x-raw", &b"\xff"[..]));
    call_and_read_body(&app, request.to_request()).await;
    spans.check(
        r#"
        SERVER GET /
            · http.request.header.x-raw = ["�"]
            · http.request.header.x-request-id = ["a", "b, c"]
            · http.request.method = "GET"
            · http.response.header.x-shard = ["1", "2"]
            · http.response.status_code = 200
            · http.route = "/"
            · network.protocol.version = "1.1"
            · url.path = "/"
            · url.scheme = "http"
        "#,
    );
}

#[actix_web::test]
async fn closures_see_the_request_and_the_response() {
    async fn refuse(
        request: ServiceRequest,
        next: Next<impl MessageBody + 'static>,
    ) -> Result<actix_web::dev::ServiceResponse<impl MessageBody>, Error> {
        if request.path() == "/closed" {
            return Err(ErrorForbidden("closed"));
        }
        next.call(request).await
    }

    let spans = Recorded::start();
    let tracing = RequestTracing::new()
        .request_attributes(|request: &ServiceRequest| {
            [KeyValue::new(
                "test.length",
                request.path().len().to_string(),
            )]
        })
        .request_attributes(|_: &ServiceRequest| -> Vec<KeyValue> { panic!("a mistake") })
        .response_attributes(|response: &ResponseHead| {
            let kind = response.headers().get("content-type")?.to_str().ok()?;
            Some(KeyValue::new("test.kind", kind.to_owned()))
        });
    let app = App::new()
        .wrap(from_fn(refuse))
        .wrap(tracing)
        .route("/json", web::get().to(async || HttpResponse::Ok().json(1)));
    let app = init_service(app).await;
    call_and_read_body(&app, get("/json").to_request()).await;
    let closed = try_call_service(&app, get("/closed").to_request()).await;
    assert!(closed.is_err());
    let told = spans
        .finished()
        .into_iter()
        .map(|span| (text(&span, "test.length"), text(&span, "test.kind")));
    assert_eq!(
        told.collect::<Vec<_>>(),
        [
            ("5".to_owned(), "application/json".to_owned()),
            // What an inner middleware returns as an error has no response yet.
            ("7".to_owned(), String::new()),
        ]
    );
}

#[actix_web::test]
async fn a_response_that_an_error_hands_out_once_is_left_to_the_server() {
    async fn refuse(
        _: ServiceRequest,
        _: Next<impl MessageBody + 'static>,
    ) -> Result<actix_web::dev::ServiceResponse<impl MessageBody>, Error> {
        let response = HttpResponse::Unauthorized()
            .insert_header(("www-authenticate", "Basic"))
            .body("log in");
        Err::<actix_web::dev::ServiceResponse, _>(
            InternalError::from_response("refused", response).into(),
        )
    }

    let spans = Recorded::start();
    let tracing = RequestTracing::new()
        .response_headers(["www-authenticate"])
        .response_attributes(|_: &ResponseHead| -> Vec<KeyValue> { unreachable!() });
    let app = init_service(App::new().wrap(from_fn(refuse)).wrap(tracing)).await;
    let refused = try_call_service(&app, get("/").to_request()).await;
    let error = refused.err().expect("an error");
    let response = error.error_response();
    assert_eq!(response.status(), 401);
    assert!(response.headers().contains_key("www-authenticate"));
    assert_eq!(
        text(&spans.finished()[0], "http.response.status_code"),
        "401"
    );
}

#[actix_web::test]
async fn closures_are_not_called_for_what_is_not_recorded() {
    let spans = Recorded::start();
    let tracing = RequestTracing::new()
        .span_name(|_: &ServiceRequest| unreachable!())
        .request_attributes(|_: &ServiceRequest| -> Vec<KeyValue> { unreachable!() })
        .response_attributes(|_: &ResponseHead| -> Vec<KeyValue> { unreachable!() });
    let app = init_service(App::new().wrap(tracing)).await;
    let unsampled = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00";
    let request = get("/").insert_header(("traceparent", unsampled));
    call_service(&app, request.to_request()).await;
    spans.check("");
}

#[actix_web::test]
async fn names_can_be_chosen_and_left_as_they_are() {
    let spans = Recorded::start();
    let tracing = RequestTracing::new()
        .span_name(|_: &ServiceRequest| unreachable!("the last one counts"))
        .span_name(|request: &ServiceRequest| {
            (request.path() != "/plain").then(|| format!("room {}", request.method()))
        });
    let app = App::new()
        .wrap(tracing)
        .route("/rooms/{id}", web::get().to(HttpResponse::Ok))
        .route("/plain", web::get().to(HttpResponse::Ok));
    let app = init_service(app).await;
    for path in ["/rooms/7", "/plain", "/nowhere"] {
        call_and_read_body(&app, get(path).to_request()).await;
    }
    let told = spans
        .finished()
        .into_iter()
        .map(|span| (span.name.clone(), text(&span, "http.route")));
    let expected = [
        ("room GET", "/rooms/{id}"),
        ("GET /plain", "/plain"),
        ("room GET", ""),
    ];
    assert_eq!(
        told.collect::<Vec<_>>(),
        expected.map(|(name, route)| (name.to_owned(), route.to_owned()))
    );
}

/// One attribute; empty where it is absent.
fn text(span: &SpanRecord, key: &str) -> String {
    let mut attributes = span.attributes.iter();
    attributes
        .find(|attribute| attribute.key.as_str() == key)
        .map(|attribute| attribute.value.to_string())
        .unwrap_or_default()
}
