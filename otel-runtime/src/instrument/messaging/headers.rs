//! What the headers of a message tell of where it comes from.

use opentelemetry::{Context, global, propagation::Extractor};

/// The context in the headers, free of whatever is current here; only that telemetry is suppressed stays.
pub(super) fn parent<H: Extractor + ?Sized>(headers: &H) -> Context {
    let mut empty = Context::new();
    if Context::is_current_telemetry_suppressed() {
        empty = empty.with_telemetry_suppressed();
    }
    // A propagator that extracts nothing answers with the current context, so the empty one is made current.
    let _current = empty.clone().attach();
    global::get_text_map_propagator(|propagator| {
        propagator.extract_with_context(&empty, &Headers(headers))
    })
}

/// Makes any extractor, sized or not, one that can be borrowed as a trait object.
struct Headers<'a, H: ?Sized>(&'a H);

impl<H: Extractor + ?Sized> Extractor for Headers<'_, H> {
    fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key)
    }

    fn keys(&self) -> Vec<&str> {
        self.0.keys()
    }

    fn get_all(&self, key: &str) -> Option<Vec<&str>> {
        self.0.get_all(key)
    }
}
