//! The routes of paths that were asked for lately.

use std::cell::RefCell;

use actix_web::dev::ServiceRequest;

/// So many paths are known at a time; a power of two.
const PLACES: usize = 64;

/// A path that is longer, in bytes, is not worth its memory.
const LONGEST: usize = 128;

/// What the paths of one application's requests match. Matching takes thousands of instructions, while most applications are
/// asked for a few paths again and again. A path that is new takes the place of another.
#[derive(Debug)]
pub(super) struct Routes(RefCell<Vec<Option<Known>>>);

#[derive(Debug)]
struct Known {
    path: Box<str>,
    route: Option<String>,
}

impl Routes {
    pub(super) fn new() -> Self {
        let places = std::iter::repeat_with(|| None).take(PLACES);
        Self(RefCell::new(places.collect()))
    }

    /// The route that matches the request's path.
    pub(super) fn route(&self, request: &ServiceRequest) -> Option<String> {
        let path = request.path();
        if path.len() > LONGEST {
            return request.match_pattern();
        }
        let place = place(path);
        if let Some(known) = &self.0.borrow()[place]
            && *known.path == *path
        {
            return known.route.clone();
        }
        let route = request.match_pattern();
        let known = Known {
            path: path.into(),
            route: route.clone(),
        };
        self.0.borrow_mut()[place] = Some(known);
        route
    }
}

fn place(path: &str) -> usize {
    let mix = |sum: usize, byte: u8| sum.wrapping_mul(31).wrapping_add(usize::from(byte));
    path.bytes().fold(0, mix) % PLACES
}

#[cfg(test)]
mod tests {
    use std::{collections::HashSet, rc::Rc};

    use actix_web::{
        App, HttpResponse,
        dev::Service as _,
        test::{TestRequest, init_service},
        web,
    };

    use super::*;

    #[actix_web::test]
    async fn a_route_is_the_one_that_matches() {
        let routes = Rc::new(Routes::new());
        let app = App::new()
            .wrap_fn(move |request, next| {
                assert_eq!(routes.route(&request), request.match_pattern());
                assert_eq!(routes.route(&request), request.match_pattern());
                next.call(request)
            })
            .route("/rooms/", web::get().to(HttpResponse::Ok))
            .service(web::scope("/api").route("/rooms/{id}", web::get().to(HttpResponse::Ok)));
        let app = init_service(app).await;
        let long = format!("/api/rooms/{}", "7".repeat(LONGEST));
        let ids = (0..200).map(|id| format!("/api/rooms/{id}"));
        for path in ids.chain(["/rooms/", "/rooms", "/", &long].map(str::to_owned)) {
            let request = TestRequest::get().uri(&path).to_request();
            app.call(request).await.expect("an answer");
        }
    }

    #[test]
    fn similar_paths_have_places_of_their_own() {
        let places: HashSet<_> = (0..32).map(|id| place(&format!("/rooms/{id}"))).collect();
        assert!(places.len() > 16, "{places:?}");
    }
}
