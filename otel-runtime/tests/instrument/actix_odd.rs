//! Requests that a socket test cannot make, or not at will: odd methods and hosts, proxies, drops, errors and panics.

use std::{
    future::pending,
    panic::AssertUnwindSafe,
    pin::{Pin, pin},
    task::{Context as Waker, Poll, Waker as NoWaker},
};

use crate::recorded::Recorded;
use actix_web::{
    App, Error, HttpResponse,
    body::{BodyStream, MessageBody, SizedStream},
    dev::{Service, ServiceRequest},
    error::{ErrorForbidden, ErrorServiceUnavailable},
    http::{Method, Version, header},
    middleware::{Next, NormalizePath, from_fn},
    test::{TestRequest, init_service, try_call_service},
    web::{self, Bytes},
};
use futures_util::stream;
use opentelemetry::{
    Context, KeyValue, global,
    trace::{TraceContextExt as _, Tracer as _},
};
use otel_runtime::instrument::actix_web::RequestTracing;

fn get(path: &str) -> TestRequest {
    TestRequest::get().uri(path)
}

#[actix_web::test]
async fn unknown_methods_do_not_reach_the_name() {
    let spans = Recorded::start();
    let app = App::new()
        .wrap(RequestTracing::new())
        .route("/rooms/{id}", web::to(HttpResponse::Ok));
    let app = init_service(app).await;
    let request = get("/rooms/7")
        .method(Method::from_bytes(b"BREW").expect("a method"))
        .to_request();
    drop(app.call(request).await);
    spans.check(
        r#"
        SERVER HTTP /rooms/{id}
            · http.request.method = "_OTHER"
            · http.request.method_original = "BREW"
            · http.response.status_code = 200
            · http.route = "/rooms/{id}"
            · network.protocol.version = "1.1"
            · url.path = "/rooms/7"
            · url.scheme = "http"
        "#,
    );
}

#[actix_web::test]
async fn what_a_handler_says_of_its_span_stays() {
    async fn rename() -> HttpResponse {
        Context::map_current(|context| {
            let span = context.span();
            span.update_name("rooms by hand");
            span.set_attribute(KeyValue::new("by.hand", 1));
        });
        otel_runtime::attr!("by.macro" = 2);
        otel_runtime::event!("looked up", "floor" = 3);
        actix_web::rt::task::yield_now().await;
        otel_runtime::attr!("later" = true);
        HttpResponse::Ok().finish()
    }

    let spans = Recorded::start();
    let app = App::new()
        .wrap(RequestTracing::new())
        .route("/rooms", web::get().to(rename));
    let app = init_service(app).await;
    drop(app.call(get("/rooms").to_request()).await);
    spans.check(
        r#"
        SERVER rooms by hand
            · by.hand = 1
            · by.macro = 2
            · http.request.method = "GET"
            · http.response.status_code = 200
            · http.route = "/rooms"
            · later = true
            · network.protocol.version = "1.1"
            · url.path = "/rooms"
            · url.scheme = "http"
            * looked up
              · floor = 3
        "#,
    );
}

#[actix_web::test]
async fn a_span_that_a_handler_ends_has_ended() {
    async fn end() -> HttpResponse {
        Context::map_current(|context| context.span().end());
        otel_runtime::attr!("late" = true);
        HttpResponse::InternalServerError().finish()
    }

    let spans = Recorded::start();
    let app = App::new()
        .wrap(RequestTracing::new())
        .route("/", web::get().to(end));
    let app = init_service(app).await;
    drop(app.call(get("/").to_request()).await);
    spans.check(
        r#"
        SERVER GET /
            · http.request.method = "GET"
            · network.protocol.version = "1.1"
            · url.path = "/"
            · url.scheme = "http"
        "#,
    );
}

#[actix_web::test]
async fn known_methods_can_be_chosen() {
    let spans = Recorded::start();
    let tracing = RequestTracing::new().known_methods(["BREW"]);
    let app = init_service(App::new().wrap(tracing)).await;
    let brew = Method::from_bytes(b"BREW").expect("a method");
    drop(app.call(get("/").method(brew).to_request()).await);
    drop(app.call(get("/").to_request()).await);
    let names: Vec<_> = spans.finished().into_iter().map(|span| span.name).collect();
    assert_eq!(names, ["BREW", "HTTP"]);
}

#[actix_web::test]
async fn everything_a_request_tells_is_recorded() {
    let spans = Recorded::start();
    let app = App::new()
        .wrap(RequestTracing::new())
        .route("/rooms", web::get().to(HttpResponse::Ok));
    let app = init_service(app).await;
    let request = get("/rooms?floor=2&sig=secret")
        .version(Version::HTTP_2)
        .peer_addr("[2001:db8::1]:4711".parse().expect("an address"))
        .insert_header((header::HOST, "[::1]:8080"))
        .insert_header((header::USER_AGENT, "test/1"))
        .to_request();
    drop(app.call(request).await);
    spans.check(
        r#"
        SERVER GET /rooms
            · client.address = "2001:db8::1"
            · http.request.method = "GET"
            · http.response.status_code = 200
            · http.route = "/rooms"
            · network.peer.address = "2001:db8::1"
            · network.peer.port = 4711
            · network.protocol.version = "2"
            · server.address = "::1"
            · server.port = 8080
            · url.path = "/rooms"
            · url.query = "floor=2&sig=REDACTED"
            · url.scheme = "http"
            · user_agent.original = "test/1"
        "#,
    );
}

#[actix_web::test]
async fn behind_a_proxy_client_and_server_are_those_it_tells_of() {
    let spans = Recorded::start();
    let app = init_service(App::new().wrap(RequestTracing::new())).await;
    let request = get("/")
        .peer_addr("10.0.0.1:4711".parse().expect("an address"))
        .insert_header((header::HOST, "internal:8080"))
        .insert_header((
            "forwarded",
            "for=203.0.113.7;proto=https;host=rooms.example",
        ))
        .to_request();
    drop(app.call(request).await);
    spans.check(
        r#"
        SERVER GET
            · client.address = "203.0.113.7"
            · http.request.method = "GET"
            · http.response.status_code = 404
            · network.peer.address = "10.0.0.1"
            · network.peer.port = 4711
            · network.protocol.version = "1.1"
            · server.address = "rooms.example"
            · server.port = 443
            · url.path = "/"
            · url.scheme = "https"
        "#,
    );
}

#[actix_web::test]
async fn a_proxy_that_does_not_tell_the_client_leaves_the_peer() {
    let spans = Recorded::start();
    let app = init_service(App::new().wrap(RequestTracing::new())).await;
    for forwarded in ["for=unknown;host=rooms.example", "for=\"_hidden\""] {
        let request = get("/")
            .peer_addr("10.0.0.1:4711".parse().expect("an address"))
            .insert_header(("forwarded", forwarded));
        drop(app.call(request.to_request()).await);
    }
    let clients = spans.finished().into_iter().map(|span| {
        let client = span.attribute("client.address");
        client.map_or_else(String::new, ToString::to_string)
    });
    assert_eq!(clients.collect::<Vec<_>>(), ["10.0.0.1", "_hidden"]);
}

#[actix_web::test]
async fn behind_a_proxy_addresses_have_neither_brackets_nor_ports() {
    let spans = Recorded::start();
    let app = init_service(App::new().wrap(RequestTracing::new())).await;
    let forwarded = "for=\"[2001:db8:cafe::17]:4711\";host=\"[2001:db8::7]:8443\";proto=https";
    let request = get("/").insert_header(("forwarded", forwarded));
    drop(app.call(request.to_request()).await);
    spans.check(
        r#"
        SERVER GET
            · client.address = "2001:db8:cafe::17"
            · http.request.method = "GET"
            · http.response.status_code = 404
            · network.protocol.version = "1.1"
            · server.address = "2001:db8::7"
            · server.port = 8443
            · url.path = "/"
            · url.scheme = "https"
        "#,
    );
}

#[actix_web::test]
async fn errors_of_inner_middleware_have_the_status_of_their_response() {
    async fn refuse(
        request: ServiceRequest,
        _: Next<impl MessageBody>,
    ) -> Result<actix_web::dev::ServiceResponse, Error> {
        if request.path() == "/closed" {
            Err(ErrorForbidden("closed"))
        } else {
            Err(ErrorServiceUnavailable("secret"))
        }
    }

    let spans = Recorded::start();
    let app = App::new()
        .wrap(from_fn(refuse))
        .wrap(RequestTracing::new())
        .route("/closed", web::get().to(HttpResponse::Ok));
    let app = init_service(app).await;
    let error = try_call_service(&app, get("/closed").to_request())
        .await
        .expect_err("the middleware's error");
    assert_eq!(error.to_string(), "closed");
    assert!(
        try_call_service(&app, get("/broken").to_request())
            .await
            .is_err()
    );
    spans.check(
        r#"
        SERVER GET /closed
            · http.request.method = "GET"
            · http.response.status_code = 403
            · http.route = "/closed"
            · network.protocol.version = "1.1"
            · url.path = "/closed"
            · url.scheme = "http"
        SERVER GET ERROR
            · error.type = "503"
            · http.request.method = "GET"
            · http.response.status_code = 503
            · network.protocol.version = "1.1"
            · url.path = "/broken"
            · url.scheme = "http"
        "#,
    );
}

#[actix_web::test]
async fn the_route_is_the_one_that_was_taken_after_all() {
    let spans = Recorded::start();
    let app = App::new()
        .wrap(NormalizePath::trim())
        .wrap(RequestTracing::new())
        .service(
            web::resource("/{year}")
                .guard(actix_web::guard::Header("x", "y"))
                .to(HttpResponse::Ok),
        )
        .service(web::resource("/{name}").to(HttpResponse::Ok));
    let app = init_service(app).await;
    drop(app.call(get("/a/").to_request()).await);
    drop(app.call(get("/b").to_request()).await);
    let told = spans.finished().into_iter().map(|span| {
        let routes: Vec<_> = span
            .attributes
            .iter()
            .filter(|attribute| attribute.key.as_str() == "http.route")
            .collect();
        assert_eq!(routes.len(), 1, "a key stands once");
        (span.name, routes[0].value.to_string())
    });
    let expected = ("GET /{name}".to_owned(), "/{name}".to_owned());
    assert_eq!(told.collect::<Vec<_>>(), [expected.clone(), expected]);
}

#[actix_web::test]
async fn a_request_dropped_half_way_ends_marked() {
    let spans = Recorded::start();
    let app = App::new().wrap(RequestTracing::new()).route(
        "/slow",
        web::get().to(async || pending::<HttpResponse>().await),
    );
    let app = init_service(app).await;
    let mut waker = Waker::from_waker(NoWaker::noop());
    let mut response = Box::pin(app.call(get("/slow").to_request()));
    assert!(response.as_mut().poll(&mut waker).is_pending());
    assert!(!Context::current().has_active_span());
    spans.check("");
    drop(response);
    spans.check(
        r#"
        SERVER GET /slow ERROR
            · error.type = "cancelled"
            · http.request.method = "GET"
            · http.route = "/slow"
            · network.protocol.version = "1.1"
            · otel_runtime.cancelled = true
            · url.path = "/slow"
            · url.scheme = "http"
        "#,
    );
}

/// Makes a span when it is dropped.
struct Cleanup(&'static str);

impl Drop for Cleanup {
    fn drop(&mut self) {
        global::tracer("test").in_span(self.0, |_| ());
    }
}

#[actix_web::test]
async fn what_a_request_or_its_body_holds_is_dropped_within_the_span() {
    let spans = Recorded::start();
    let slow = async || {
        let _cleanup = Cleanup("handler");
        pending::<HttpResponse>().await
    };
    let endless = async || {
        let cleanup = Cleanup("body");
        let chunk = move || {
            let _cleanup = &cleanup;
            Ok::<_, Error>(Bytes::from_static(b"x"))
        };
        HttpResponse::Ok().body(BodyStream::new(stream::repeat_with(chunk)))
    };
    let short = async || {
        let cleanup = Cleanup("ended");
        let chunks = std::iter::once_with(move || {
            let _cleanup = &cleanup;
            Ok::<_, Error>(Bytes::from_static(b"x"))
        });
        HttpResponse::Ok().body(SizedStream::new(1, stream::iter(chunks)))
    };
    let app = App::new()
        .wrap(RequestTracing::new())
        .route("/slow", web::get().to(slow))
        .route("/endless", web::get().to(endless))
        .route("/short", web::get().to(short));
    let app = init_service(app).await;
    let mut waker = Waker::from_waker(NoWaker::noop());

    let mut response = Box::pin(app.call(get("/slow").to_request()));
    assert!(response.as_mut().poll(&mut waker).is_pending());
    drop(response);
    for path in ["/endless", "/short"] {
        let response = app.call(get(path).to_request()).await.expect("a response");
        let mut body = Box::pin(response.into_body());
        assert!(body.as_mut().poll_next(&mut waker).is_ready());
        drop(body);
    }

    assert!(!Context::current().has_active_span());
    assert_eq!(
        spans.bare_tree().lines().collect::<Vec<_>>(),
        [
            "SERVER GET /slow ERROR",
            "  INTERNAL handler",
            "SERVER GET /endless ERROR",
            "  INTERNAL body",
            "SERVER GET /short",
            "  INTERNAL ended",
        ]
    );
}

#[actix_web::test]
async fn what_a_middleware_holds_is_dropped_within_the_span_that_has_its_response() {
    /// The future of a middleware that is written by hand.
    struct Holding<F> {
        service: F,
        _cleanup: Cleanup,
    }

    impl<F: Future + Unpin> Future for Holding<F> {
        type Output = F::Output;

        fn poll(mut self: Pin<&mut Self>, waker: &mut Waker<'_>) -> Poll<F::Output> {
            Pin::new(&mut self.service).poll(waker)
        }
    }

    let spans = Recorded::start();
    let app = App::new()
        .wrap_fn(|request, service| Holding {
            service: Box::pin(service.call(request)),
            _cleanup: Cleanup("middleware"),
        })
        .wrap(RequestTracing::new())
        .route("/", web::get().to(async || "body"));
    let app = init_service(app).await;
    let response = try_call_service(&app, get("/").to_request()).await;
    drop(response.expect("a response"));
    assert_eq!(
        spans.bare_tree(),
        "SERVER GET / ERROR\n  INTERNAL middleware"
    );
}

#[actix_web::test]
async fn a_panic_marks_the_span_and_goes_on() {
    let spans = Recorded::start();
    let handler = async || -> HttpResponse { panic!("room 7") };
    let app = init_service(
        App::new()
            .wrap(RequestTracing::new())
            .route("/panic", web::get().to(handler)),
    )
    .await;
    let mut waker = Waker::from_waker(NoWaker::noop());
    let mut response = Box::pin(app.call(get("/panic").to_request()));
    let poll = std::panic::catch_unwind(AssertUnwindSafe(|| {
        response.as_mut().poll(&mut waker).map(drop)
    }));
    assert!(poll.is_err());
    assert!(!Context::current().has_active_span());
    drop(response);
    spans.check(
        r#"
        SERVER GET /panic ERROR: room 7
            · error.type = "panic"
            · http.request.method = "GET"
            · http.route = "/panic"
            · network.protocol.version = "1.1"
            · url.path = "/panic"
            · url.scheme = "http"
            * exception
              · exception.message = "room 7"
              · exception.type = "panic"
        "#,
    );
}

#[actix_web::test]
async fn wrapped_twice_there_is_one_span() {
    let spans = Recorded::start();
    let rooms = web::scope("/rooms")
        .wrap(RequestTracing::new())
        .route("/{id}", web::get().to(HttpResponse::Ok));
    let app = init_service(App::new().wrap(RequestTracing::new()).service(rooms)).await;
    drop(app.call(get("/rooms/1").to_request()).await);
    let names: Vec<_> = spans.finished().into_iter().map(|span| span.name).collect();
    assert_eq!(names, ["GET /rooms/{id}"]);
}

#[actix_web::test]
async fn the_span_lasts_and_is_current_until_the_body_ends() {
    let spans = Recorded::start();
    let stream = async || {
        // Each chunk is made when it is asked for.
        let chunks = (0..2).map(|chunk| {
            assert!(Context::current().span().span_context().is_valid());
            global::tracer("test").in_span(format!("chunk {chunk}"), |_| ());
            Ok::<_, Error>(Bytes::from_static(b"x"))
        });
        let stream = stream::iter(chunks);
        HttpResponse::Ok().body(BodyStream::new(stream))
    };
    let app = init_service(
        App::new()
            .wrap(RequestTracing::new())
            .route("/", web::get().to(stream)),
    )
    .await;
    let response = try_call_service(&app, get("/").to_request())
        .await
        .expect("a response");
    spans.check("");
    let mut body = pin!(response.into_body());
    let mut waker = Waker::from_waker(NoWaker::noop());
    for _ in 0..2 {
        assert!(matches!(
            body.as_mut().poll_next(&mut waker),
            Poll::Ready(Some(Ok(_)))
        ));
        assert!(!Context::current().has_active_span());
    }
    assert_eq!(spans.finished().len(), 2);
    assert!(matches!(
        body.as_mut().poll_next(&mut waker),
        Poll::Ready(None)
    ));
    let tree = spans.tree();
    let names: Vec<_> = tree
        .lines()
        .filter(|line| !line.contains('·'))
        .map(str::trim)
        .collect();
    assert_eq!(
        names,
        ["SERVER GET /", "INTERNAL chunk 0", "INTERNAL chunk 1"]
    );
}

/// As actix-web does with the answer to HEAD.
#[actix_web::test]
async fn a_body_that_nobody_is_sent_is_within_its_request_too() {
    let spans = Recorded::start();
    let stream = async || {
        let chunks = (0..1).map(|_| {
            global::tracer("test").in_span("chunk", |_| ());
            Ok::<_, Error>(Bytes::from_static(b"x"))
        });
        HttpResponse::Ok().body(BodyStream::new(stream::iter(chunks)))
    };
    let app = App::new()
        .wrap(RequestTracing::new().skip_paths(["/skipped"]))
        .route("/", web::head().to(stream))
        .route("/skipped", web::head().to(stream));
    let app = init_service(app).await;
    let mut waker = Waker::from_waker(NoWaker::noop());
    for path in ["/", "/skipped"] {
        let head = TestRequest::default().method(Method::HEAD).uri(path);
        let response = try_call_service(&app, head.to_request()).await;
        let mut body = pin!(response.expect("a response").into_body());
        assert!(matches!(
            body.as_mut().poll_next(&mut waker),
            Poll::Ready(Some(Ok(_)))
        ));
    }
    let finished = spans.finished();
    let [request, chunk] = &finished[..] else {
        panic!("{finished:#?}");
    };
    assert_eq!([&*request.name, &*chunk.name], ["HEAD /", "chunk"]);
    assert_eq!(chunk.parent_span_id, Some(request.span_id));
}

#[actix_web::test]
async fn a_body_ends_the_span_by_its_size_by_its_error_or_by_its_drop() {
    let spans = Recorded::start();
    let sized = async || {
        let once = stream::iter([Ok::<_, Error>(Bytes::from_static(b"12345"))]);
        HttpResponse::Ok().body(SizedStream::new(5, once))
    };
    let failing = async || {
        let error = stream::iter([Err::<Bytes, _>(ErrorForbidden("secret"))]);
        HttpResponse::Ok().body(BodyStream::new(error))
    };
    let short = async || {
        let once = stream::iter([Ok::<_, Error>(Bytes::from_static(b"123"))]);
        HttpResponse::Ok().body(SizedStream::new(5, once))
    };
    let app = App::new()
        .wrap(RequestTracing::new())
        .route("/short", web::get().to(short))
        .route("/sized", web::get().to(sized))
        .route("/sized", web::head().to(sized))
        .route("/failing", web::get().to(failing))
        .route("/none", web::get().to(HttpResponse::NoContent));
    let app = init_service(app).await;
    let mut waker = Waker::from_waker(NoWaker::noop());
    for (path, polls) in [
        ("/sized", 1),
        ("/short", 2),
        ("/failing", 1),
        ("/sized", 0),
        ("/none", 0),
    ] {
        let response = try_call_service(&app, get(path).to_request())
            .await
            .expect("a response");
        let mut body = pin!(response.into_body());
        for _ in 0..polls {
            let _ = body.as_mut().poll_next(&mut waker);
        }
    }
    let head = TestRequest::default()
        .method(Method::HEAD)
        .uri("/sized")
        .to_request();
    let response = try_call_service(&app, head).await.expect("a response");
    assert_eq!(
        spans.finished().len(),
        6,
        "the answer to HEAD has no body to wait for"
    );
    drop(response);
    let told = spans.finished().into_iter().map(|span| {
        let attribute = |key| {
            let mut attributes = span.attributes.iter();
            attributes
                .find(|attribute| attribute.key.as_str() == key)
                .map(|attribute| attribute.value.to_string())
        };
        let cancelled = attribute(otel_runtime::CANCELLED).is_some();
        format!(
            "{} {:?} {:?} {cancelled}",
            span.name,
            span.status,
            attribute("error.type")
        )
    });
    assert_eq!(
        told.collect::<Vec<_>>(),
        [
            "GET /sized Unset None false",
            "GET /short Error { description: \"\" } Some(\"body_too_short\") false",
            "GET /failing Error { description: \"\" } Some(\"alloc::boxed::Box<dyn core::error::Error>\") false",
            "GET /sized Error { description: \"\" } Some(\"cancelled\") true",
            "GET /none Unset None false",
            "HEAD /sized Unset None false",
        ],
    );
}
