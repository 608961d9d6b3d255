//! No tracer provider in this process: requests are answered as ever, and the caller's trace is passed on.

use std::collections::HashMap;

use actix_web::{App, HttpResponse, test, web};
use opentelemetry::{Context, global, trace::TraceContextExt as _};
use opentelemetry_sdk::propagation::TraceContextPropagator;
use otel_runtime::instrument::actix_web::{RequestTracing, block};

const CALLER: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

fn injected() -> HashMap<String, String> {
    let mut headers = HashMap::new();
    global::get_text_map_propagator(|propagator| {
        propagator.inject_context(&Context::current(), &mut headers);
    });
    headers
}

async fn pass_on() -> HttpResponse {
    let here = injected();
    actix_web::rt::task::yield_now().await;
    let there = block(injected).await.expect("the pool works");
    assert_eq!(here, there);
    HttpResponse::Ok().body(here.get("traceparent").cloned().unwrap_or_default())
}

#[actix_web::test]
async fn the_callers_trace_is_passed_on_unchanged() {
    let app = App::new()
        .wrap(RequestTracing::new())
        .route("/", web::get().to(pass_on));
    let app = test::init_service(app).await;
    let request = || {
        test::TestRequest::get()
            .uri("/")
            .insert_header(("traceparent", CALLER))
            .to_request()
    };

    // Without a propagator there is nothing to join.
    assert_eq!(test::call_and_read_body(&app, request()).await, "");

    global::set_text_map_propagator(TraceContextPropagator::new());
    assert_eq!(test::call_and_read_body(&app, request()).await, CALLER);
    let without = test::TestRequest::get().uri("/").to_request();
    assert_eq!(test::call_and_read_body(&app, without).await, "");
    assert!(!Context::current().has_active_span());
}
