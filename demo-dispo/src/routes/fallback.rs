//! The answers when no handler is meant.

use actix_web::{
    HttpRequest, HttpResponse, Route,
    http::header::{ALLOW, LOCATION},
    web::to,
};
use serde_json::json;

/// Answers a method that the path does not have; `methods` are those it has.
pub(super) fn allow(methods: &'static str) -> Route {
    to(move || async move {
        HttpResponse::MethodNotAllowed()
            .insert_header((ALLOW, methods))
            .json(json!({ "detail": "Method Not Allowed" }))
    })
}

/// Sends a caller whose path has a slash too few or too many at its end to the right one; else there is nothing here.
pub(super) async fn no_route(request: HttpRequest) -> HttpResponse {
    let path = request.path();
    let other = path
        .strip_suffix('/')
        .map_or_else(|| format!("{path}/"), str::to_owned);
    if !request.resource_map().has_resource(&other) {
        return HttpResponse::NotFound().json(json!({ "detail": "Not Found" }));
    }
    let location = match request.query_string() {
        "" => other,
        query => format!("{other}?{query}"),
    };
    HttpResponse::TemporaryRedirect()
        .insert_header((LOCATION, location))
        .finish()
}
