//! The routes: each handler reads the request, calls, and answers.

pub mod cleanings;
mod fallback;
pub mod health;

use actix_web::web::{ServiceConfig, get, resource, to};

/// The paths by which it is asked whether the service lives and can do its work.
pub const PROBES: [&str; 2] = ["/live", "/health"];

/// Adds all routes of the service.
pub fn configure(service: &mut ServiceConfig) {
    service
        .service(
            resource("/live")
                .route(get().to(health::live))
                .default_service(fallback::allow("GET")),
        )
        .service(
            resource("/health")
                .route(get().to(health::check))
                .default_service(fallback::allow("GET")),
        )
        .service(
            resource("/api/v1/cleanings/")
                .route(get().to(cleanings::list))
                .default_service(fallback::allow("GET")),
        )
        .default_service(to(fallback::no_route));
}
