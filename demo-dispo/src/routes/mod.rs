//! The routes: each handler reads the request, calls, and answers.

pub mod bookings;
mod fallback;
pub mod health;
pub mod input;
pub mod problem;
pub mod rooms;

use actix_web::web::{ServiceConfig, get, post, resource, to};

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
            resource("/api/v1/rooms/")
                .route(get().to(rooms::list))
                .default_service(fallback::allow("GET")),
        )
        .service(
            resource("/api/v1/rooms/{room_id}")
                .route(get().to(rooms::read))
                .default_service(fallback::allow("GET")),
        )
        .service(
            resource("/api/v1/bookings/")
                .route(get().to(bookings::list))
                .route(post().to(bookings::create))
                .default_service(fallback::allow("GET, POST")),
        )
        .service(
            resource("/api/v1/bookings/{booking_id}")
                .route(get().to(bookings::read))
                .default_service(fallback::allow("GET")),
        )
        .default_service(to(fallback::no_route));
}
