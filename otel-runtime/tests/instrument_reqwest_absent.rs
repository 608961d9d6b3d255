//! No tracer provider in this process: requests are sent as ever, and the current trace is passed on.

use actix_web::{App, HttpRequest, HttpServer, web};
use opentelemetry::{Context, global, propagation::TextMapPropagator as _};
use opentelemetry_sdk::propagation::TraceContextPropagator;
use otel_runtime::instrument::reqwest::SendTraced as _;

const CALLER: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

#[actix_web::test]
async fn the_current_trace_is_passed_on_unchanged() {
    let told = async |request: HttpRequest| {
        let header = request.headers().get("traceparent");
        let text = header.and_then(|header| header.to_str().ok());
        text.unwrap_or("nothing").to_owned()
    };
    let server = HttpServer::new(move || App::new().route("/", web::get().to(told)))
        .workers(1)
        .disable_signals()
        .bind(("127.0.0.1", 0))
        .expect("a port");
    let url = format!("http://{}/", server.addrs()[0]);
    let server = server.run();
    let handle = server.handle();
    actix_web::rt::spawn(server);
    let client = reqwest::Client::builder().no_proxy().build();
    let client = client.expect("a client");
    let ask = async || {
        let answer = client.get(&url).send_traced().await.expect("an answer");
        answer.text().await.expect("a body")
    };

    // Without a propagator nothing is told.
    assert_eq!(ask().await, "nothing");
    let propagator = TraceContextPropagator::new();
    let headers = std::collections::HashMap::from([("traceparent".to_owned(), CALLER.to_owned())]);
    let caller = propagator.extract_with_context(&Context::new(), &headers);
    global::set_text_map_propagator(propagator);
    assert_eq!(ask().await, "nothing");
    {
        let asking = {
            let _current = caller.attach();
            client.get(&url).send_traced()
        };
        let answer = asking.await.expect("an answer");
        assert_eq!(answer.text().await.expect("a body"), CALLER);
    }
    handle.stop(false).await;
}
