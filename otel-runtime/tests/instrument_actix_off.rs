//! Telemetry was started with nowhere to send spans: also a request that is skipped passes the caller's trace on.

use std::collections::HashMap;

use actix_web::{App, test, web};
use opentelemetry::{Context, global};
use otel_runtime::instrument::actix_web::RequestTracing;

const CALLER: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

async fn pass_on() -> String {
    let mut headers = HashMap::new();
    global::get_text_map_propagator(|propagator| {
        propagator.inject_context(&Context::current(), &mut headers);
    });
    headers.remove("traceparent").unwrap_or_default()
}

#[actix_web::test]
async fn the_callers_trace_is_passed_on_unchanged() {
    let telemetry = otel_runtime::init().expect("telemetry");
    let app = App::new()
        .wrap(RequestTracing::new().skip_paths(["/live"]))
        .default_service(web::to(pass_on));
    let app = test::init_service(app).await;
    for path in ["/", "/live"] {
        let without = test::TestRequest::get().uri(path);
        let joined = test::TestRequest::get()
            .uri(path)
            .insert_header(("traceparent", CALLER));
        assert_eq!(
            test::call_and_read_body(&app, without.to_request()).await,
            ""
        );
        assert_eq!(
            test::call_and_read_body(&app, joined.to_request()).await,
            CALLER
        );
    }
    drop(telemetry);
}
