//! Requests over real sockets: what is recorded of them, and what the other side is told.

use std::{
    fmt,
    net::{SocketAddr, TcpListener},
    time::Duration,
};

use crate::recorded::Recorded;
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, dev::ServerHandle, web};
use futures_util::FutureExt as _;
use opentelemetry::{
    Context, TraceFlags, global,
    trace::{SpanContext, Status, TraceContextExt as _, TraceState, Tracer as _},
};
use otel_runtime::instrument::reqwest::SendTraced as _;
use reqwest::{Client, Request, RequestBuilder, Response, redirect::Policy};

fn serve() -> (SocketAddr, ServerHandle) {
    let told = async |request: HttpRequest| {
        let header = request.headers().get("traceparent");
        let text = header.and_then(|header| header.to_str().ok());
        HttpResponse::Ok().body(text.unwrap_or("nothing").to_owned())
    };
    let app = move || {
        App::new()
            .route("/told", web::to(told))
            .route("/broken", web::to(HttpResponse::InternalServerError))
            .route(
                "/moved",
                web::to(async || {
                    HttpResponse::Found()
                        .insert_header(("location", "/told"))
                        .finish()
                }),
            )
            .route(
                "/slow",
                web::to(async || std::future::pending::<HttpResponse>().await),
            )
    };
    let server = HttpServer::new(app)
        .workers(1)
        .disable_signals()
        .bind(("127.0.0.1", 0))
        .expect("a port");
    let address = server.addrs()[0];
    let server = server.run();
    let handle = server.handle();
    actix_web::rt::spawn(server);
    (address, handle)
}

fn client() -> Client {
    Client::builder().no_proxy().build().expect("a client")
}

async fn body(response: Response) -> String {
    response.text().await.expect("a body")
}

#[actix_web::test]
async fn the_service_that_is_asked_continues_the_trace() {
    let spans = Recorded::start();
    let (address, server) = serve();
    let url = format!("http://u:p@{address}/told?sig=secret&q=1");
    // Without the request builder, which makes a header of user and password.
    let request = Request::new(reqwest::Method::POST, url.parse().expect("a URL"));
    let request = RequestBuilder::from_parts(client(), request);
    let caller = global::tracer("test").start("caller");
    let current = Context::current_with_span(caller);
    let sending = {
        let _current = current.clone().attach();
        request.send_traced_to("/told")
    };
    // The parent is the span that was current then.
    let told = body(sending.await.expect("an answer")).await;
    current.span().end();
    let finished = spans.finished();
    let sent = &finished[0];
    assert_eq!(told, format!("00-{}-{}-01", sent.trace_id, sent.span_id));
    let port = address.port();
    spans.check(&format!(
        r#"
        INTERNAL caller
          CLIENT POST /told
              · http.request.method = "POST"
              · http.response.status_code = 200
              · network.peer.address = "127.0.0.1"
              · network.peer.port = {port}
              · network.protocol.version = "1.1"
              · server.address = "127.0.0.1"
              · server.port = {port}
              · url.full = "http://REDACTED:REDACTED@127.0.0.1:{port}/told?sig=REDACTED&q=1"
              · url.template = "/told"
        "#
    ));
    server.stop(false).await;
}

#[actix_web::test]
async fn answers_that_are_errors_mark_the_span() {
    let spans = Recorded::start();
    let (address, server) = serve();
    let brew = reqwest::Method::from_bytes(b"BREW").expect("a method");
    for (method, path) in [
        (reqwest::Method::GET, "/nowhere"),
        (reqwest::Method::GET, "/broken"),
        (reqwest::Method::GET, "/moved"),
        (brew, "/told"),
    ] {
        let request = client().request(method, format!("http://{address}{path}"));
        request.send_traced().await.expect("an answer");
    }
    let told = spans.finished().into_iter().map(|span| {
        format!(
            "{} {:?} {}|{}|{}",
            span.name,
            span.status,
            text(&span, "http.response.status_code"),
            text(&span, "error.type"),
            text(&span, "http.request.method_original"),
        )
    });
    assert_eq!(
        told.collect::<Vec<_>>(),
        [
            "GET Error { description: \"\" } 404|404|",
            "GET Error { description: \"\" } 500|500|",
            "GET Unset 200||",
            "HTTP Unset 200||BREW",
        ]
    );
    server.stop(false).await;
}

#[actix_web::test]
async fn without_an_answer_the_span_tells_why() {
    let spans = Recorded::start();
    let (address, server) = serve();
    let closed = TcpListener::bind("127.0.0.1:0")
        .and_then(|listener| listener.local_addr())
        .expect("a port");
    let refused = client().get(format!("http://{closed}/?sig=secret"));
    assert!(
        refused
            .send_traced()
            .await
            .is_err_and(|error| error.is_connect())
    );
    let brief = client()
        .get(format!("http://{address}/slow"))
        .timeout(Duration::from_millis(50));
    assert!(
        brief
            .send_traced()
            .await
            .is_err_and(|error| error.is_timeout())
    );
    let unbuilt = client().get("no URL");
    assert!(
        unbuilt
            .send_traced()
            .await
            .is_err_and(|error| error.is_builder())
    );
    // The beginning only, as the rest is the system's own wording.
    let told = spans.finished().into_iter().map(|span| {
        let [exception] = &*span.events else {
            panic!("one event, not {:?}", span.events)
        };
        assert_eq!(exception.name, "exception");
        assert!(!format!("{span:?}").contains("secret"), "{span:?}");
        let status = format!("{:?}", span.status);
        let status = status.split('(').next().unwrap_or_default().to_owned();
        (text(&span, "error.type"), status)
    });
    assert_eq!(
        told.collect::<Vec<_>>(),
        [
            (
                "connection_refused".to_owned(),
                "Error { description: \"Connection refused ".to_owned()
            ),
            (
                "timeout".to_owned(),
                "Error { description: \"operation timed out\" }".to_owned()
            ),
        ]
    );
    server.stop(false).await;
}

#[actix_web::test]
async fn an_error_that_cannot_be_formatted_is_told_without_its_text() {
    #[derive(Debug)]
    struct Silent(bool);

    impl fmt::Display for Silent {
        fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
            assert!(self.0, "on purpose");
            Err(fmt::Error)
        }
    }

    impl std::error::Error for Silent {}

    let spans = Recorded::start();
    let (address, server) = serve();
    for is_quiet in [true, false] {
        let policy = Policy::custom(move |attempt| attempt.error(Silent(is_quiet)));
        let client = Client::builder().no_proxy().redirect(policy).build();
        let moved = client
            .expect("a client")
            .get(format!("http://{address}/moved"));
        assert!(
            moved
                .send_traced()
                .await
                .is_err_and(|error| error.is_redirect())
        );
    }
    let told = spans.finished().into_iter().map(|span| span.status);
    let expected = Status::error("redirect");
    assert_eq!(told.collect::<Vec<_>>(), [expected.clone(), expected]);
    server.stop(false).await;
}

#[actix_web::test]
async fn an_ipv6_address_stands_in_brackets_in_the_url_alone() {
    let spans = Recorded::start();
    // Nobody listens; what is recorded of the request does not depend on it.
    let asked = client().get("http://[::1]:1/");
    assert!(asked.send_traced().await.is_err());
    let [span] = &*spans.finished() else {
        panic!("one span")
    };
    assert_eq!(text(span, "server.address"), "::1");
    assert_eq!(text(span, "url.full"), "http://[::1]:1/");
}

#[actix_web::test]
async fn a_request_that_is_given_up_ends_marked() {
    let spans = Recorded::start();
    let (address, server) = serve();
    let sending = client().get(format!("http://{address}/slow")).send_traced();
    let mut sending = Box::pin(sending);
    assert!(sending.as_mut().now_or_never().is_none());
    spans.check("");
    drop(sending);
    assert!(!Context::current().has_active_span());
    let span = spans.finished().remove(0);
    assert_eq!(text(&span, otel_runtime::CANCELLED), "true");
    assert_eq!(text(&span, "http.response.status_code"), "");

    drop(client().get(format!("http://{address}/slow")).send_traced());
    assert_eq!(spans.finished().len(), 1, "what never began makes no span");
    server.stop(false).await;
}

#[actix_web::test]
async fn an_unsampled_trace_is_passed_on_as_such() {
    let spans = Recorded::start();
    let (address, server) = serve();
    let parent = SpanContext::new(
        0x0af7_6519_16cd_43dd_8448_eb21_1c80_319c_u128.into(),
        0xb7ad_6b71_6920_3331_u64.into(),
        TraceFlags::NOT_SAMPLED,
        true,
        TraceState::NONE,
    );
    let request = client().get(format!("http://{address}/told"));
    let sending = {
        let _current = Context::new().with_remote_span_context(parent).attach();
        request.send_traced()
    };
    let told = body(sending.await.expect("an answer")).await;
    assert!(
        told.starts_with("00-0af7651916cd43dd8448eb211c80319c-") && told.ends_with("-00"),
        "{told}"
    );
    spans.check("");
    server.stop(false).await;
}

/// One attribute; empty where it is absent.
fn text(span: &otel_runtime::testing::SpanRecord, key: &str) -> String {
    let mut attributes = span.attributes.iter();
    attributes
        .find(|attribute| attribute.key.as_str() == key)
        .map(|attribute| attribute.value.to_string())
        .unwrap_or_default()
}
