//! What the headers of a message tell of where it comes from.

use std::borrow::Cow;

use opentelemetry::{
    Context, global,
    propagation::{Extractor, Injector},
    trace::{SpanContext, TraceContextExt as _},
};

use crate::engine::has_context;

/// What the headers of the first sending are called in those of a later one, before the names that the propagator uses.
const ORIGIN: &str = "origin-";

/// Where a message comes from.
#[derive(Clone, Debug)]
pub(super) struct Source {
    /// The context of the span that sent the message, free of whatever is current here; only that telemetry is
    /// suppressed stays.
    pub(super) parent: Context,
    /// The span that sent it first, where it was sent again.
    origin: SpanContext,
}

impl Source {
    pub(super) fn read<H: Extractor + ?Sized>(headers: &H) -> Self {
        let origin = extract(&OfOrigin(headers));
        Self {
            parent: extract(&Headers(headers)),
            origin: origin.span().span_context().clone(),
        }
    }

    /// The span that sent the message, and the one that sent it first.
    pub(super) fn producers(&self) -> impl Iterator<Item = SpanContext> + use<> {
        let sender = self.parent.span().span_context().clone();
        let origin = Some(self.origin.clone()).filter(|origin| *origin != sender);
        [Some(sender), origin]
            .into_iter()
            .flatten()
            .filter(SpanContext::is_valid)
    }
}

/// Writes into the headers of a message that is sent again which span sent it first.
///
/// A worker that sends a received message again, to retry it or to put it among the dead letters, sends it with headers of
/// its own: what receives it then continues the trace of that sending. With this, its span has a link to the first producer
/// as well, however often the message was sent in between. Baggage is not kept.
///
/// ```
/// use std::{collections::HashMap, convert::Infallible};
///
/// use otel_runtime::instrument::messaging::{Message, keep_origin};
///
/// # async fn publish(_: HashMap<String, String>) -> Result<(), Infallible> { Ok(()) }
/// async fn retry(received: &HashMap<String, String>) -> Result<(), Infallible> {
///     let mut headers = HashMap::new();
///     keep_origin(received, &mut headers);
///     Message::new("rabbitmq", "booking.created").send(headers, publish).await
/// }
/// ```
///
/// The headers that are written have the propagator's names behind `origin-`, such as `origin-traceparent`. Where a message
/// is delivered or stored again with the headers it has, as by a broker, nothing is to be done: each attempt's span is
/// linked to the same producer.
pub fn keep_origin<R, H>(received: &R, headers: &mut H)
where
    R: Extractor + ?Sized,
    H: Injector + ?Sized,
{
    let source = Source::read(received);
    let origin = if source.origin.is_valid() {
        source.origin
    } else {
        source.parent.span().span_context().clone()
    };
    if origin.is_valid() {
        let context = Context::new().with_remote_span_context(origin);
        global::get_text_map_propagator(|propagator| {
            propagator.inject_context(&context, &mut OfOrigin(&mut *headers));
        });
    }
}

fn extract(headers: &dyn Extractor) -> Context {
    let mut empty = Context::new();
    if !has_context() {
        return empty;
    }
    if Context::is_current_telemetry_suppressed() {
        empty = empty.with_telemetry_suppressed();
    }
    // A propagator that extracts nothing answers with the current context, so the empty one is made current.
    let _current = empty.clone().attach();
    global::get_text_map_propagator(|propagator| propagator.extract_with_context(&empty, headers))
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

fn of_origin(key: &str) -> Cow<'static, str> {
    match key {
        "traceparent" => Cow::Borrowed("origin-traceparent"),
        "tracestate" => Cow::Borrowed("origin-tracestate"),
        "baggage" => Cow::Borrowed("origin-baggage"),
        _ => Cow::Owned([ORIGIN, key].concat()),
    }
}

/// The headers that tell of the first sending.
struct OfOrigin<H>(H);

impl<H: Extractor + ?Sized> Extractor for OfOrigin<&H> {
    fn get(&self, key: &str) -> Option<&str> {
        self.0.get(&of_origin(key))
    }

    fn keys(&self) -> Vec<&str> {
        let keys = self.0.keys().into_iter();
        keys.filter_map(|key| key.strip_prefix(ORIGIN)).collect()
    }

    fn get_all(&self, key: &str) -> Option<Vec<&str>> {
        self.0.get_all(&of_origin(key))
    }
}

impl<H: Injector + ?Sized> Injector for OfOrigin<&mut H> {
    fn set(&mut self, key: &str, value: String) {
        self.0.set(&of_origin(key), value);
    }
}
