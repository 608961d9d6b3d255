//! Messages that are sent and processed one by one.

use std::{borrow::Cow, fmt::Display, future::Future, time::SystemTime};

use opentelemetry::{
    KeyValue, StringValue, Value, global,
    propagation::{Extractor, Injector},
    trace::{SpanContext, TraceContextExt as _},
};
use opentelemetry_semantic_conventions::attribute::{
    MESSAGING_MESSAGE_BODY_SIZE, MESSAGING_MESSAGE_CONVERSATION_ID, MESSAGING_MESSAGE_ID,
};

use super::{Destination, PROCESS, Running, SEND, finish, headers::Source, integer};
use crate::engine;

/// The attribute that tells how long a message waited between sending and processing: seconds, as a float, never
/// negative.
///
/// The conventions have no key for it.
pub const QUEUE_DURATION: &str = "otel_runtime.messaging.queue.duration";

/// What is known of a message before it is sent or processed.
///
/// `destination` becomes part of the span's name, so it should be a queue or a kind of message, not an id.
#[derive(Clone, Debug)]
#[must_use = "a message makes a span only when it is sent or processed"]
pub struct Message {
    destination: Destination,
    sent_at: Option<SystemTime>,
}

impl Message {
    /// Starts with the messaging system (`rabbitmq`, `kafka`, `apalis`, ...) and the name of the destination.
    pub fn new(
        system: impl Into<Cow<'static, str>>,
        destination: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self {
            destination: Destination::new(system, destination),
            sent_at: None,
        }
    }

    /// Records the message's id (`messaging.message.id`).
    pub fn id(self, id: impl Into<StringValue>) -> Self {
        self.attribute(MESSAGING_MESSAGE_ID, id.into())
    }

    /// Records the size of the body in bytes (`messaging.message.body.size`).
    pub fn body_size(self, size_bytes: usize) -> Self {
        self.attribute(MESSAGING_MESSAGE_BODY_SIZE, integer(size_bytes))
    }

    /// Records the conversation the message belongs to, also known as correlation id
    /// (`messaging.message.conversation_id`).
    pub fn conversation_id(self, id: impl Into<StringValue>) -> Self {
        self.attribute(MESSAGING_MESSAGE_CONVERSATION_ID, id.into())
    }

    /// Records how many times the message has been delivered, this time included.
    ///
    /// The conventions name this attribute per system, so its key is `messaging.{system}.message.delivery_count`.
    pub fn delivery_count(mut self, count: usize) -> Self {
        let key = format!(
            "messaging.{}.message.delivery_count",
            self.destination.system
        );
        self.destination
            .attributes
            .push(KeyValue::new(key, integer(count)));
        self
    }

    /// Says when the message was sent, as its broker or its headers tell: when it is processed, the time until then is
    /// recorded as [`QUEUE_DURATION`].
    ///
    /// Of a message that is sent again it may be the first time or the last, depending on what the worker knows. Where the
    /// clocks of sender and receiver differ so much that it lies ahead, the duration is 0.
    pub fn sent_at(mut self, time: SystemTime) -> Self {
        self.sent_at = Some(time);
        self
    }

    /// Records what else is known of the message or its broker, such as `server.address`, by the keys of the
    /// conventions.
    pub fn attribute(mut self, key: &'static str, value: impl Into<Value>) -> Self {
        self.destination = self.destination.attribute(key, value);
        self
    }

    /// Sends the message within a producer span `send {destination}`.
    ///
    /// The span's context is written into `headers` by the global propagator, and the headers are handed to `publish`.
    /// The span is current while `publish` and its future run. It ends with the future: an `Err` and a panic mark it as
    /// failed, a drop before the end marks it as [`CANCELLED`](crate::CANCELLED).
    ///
    /// # Errors
    ///
    /// Whatever the future returns is handed on.
    pub async fn send<H, P, F, T, E>(self, mut headers: H, publish: P) -> Result<T, E>
    where
        H: Injector,
        P: FnOnce(H) -> F,
        F: Future<Output = Result<T, E>>,
        E: Display,
    {
        let mut span = self.producer(&mut headers);
        let publishing = span.step(|| publish(headers));
        let result = span.drive(publishing).await;
        finish(span, &result);
        result
    }

    /// Like [`send`](Self::send), for senders that are not async.
    ///
    /// # Errors
    ///
    /// Whatever `publish` returns is handed on.
    pub fn send_blocking<H, P, T, E>(self, mut headers: H, publish: P) -> Result<T, E>
    where
        H: Injector,
        P: FnOnce(H) -> Result<T, E>,
        E: Display,
    {
        let mut span = self.producer(&mut headers);
        let result = span.step(|| publish(headers));
        finish(span, &result);
        result
    }

    /// Processes the message within a consumer span `process {destination}`.
    ///
    /// Its parent is the sender's span, taken from `headers` by the global propagator; it is linked to that span as
    /// well, to the first sender's where the message was sent again with [`keep_origin`](super::keep_origin), and to the span
    /// that is current when this is called. Without usable headers the span is a root. It is current while `work` runs, and ends as [`send`](Self::send) says.
    /// A sender that was not sampled is passed on as such.
    ///
    /// # Errors
    ///
    /// Whatever `work` returns is handed on.
    pub fn process<H, F, T, E>(
        self,
        headers: &H,
        work: F,
    ) -> impl Future<Output = Result<T, E>> + use<H, F, T, E>
    where
        H: Extractor + ?Sized,
        F: Future<Output = Result<T, E>>,
        E: Display,
    {
        let source = Source::read(headers);
        let ambient = ambient();
        async move {
            let mut span = self.consumer(&source, ambient);
            let result = span.drive(work).await;
            finish(span, &result);
            result
        }
    }

    /// Like [`process`](Self::process), for workers that are not async.
    ///
    /// # Errors
    ///
    /// Whatever `work` returns is handed on.
    pub fn process_blocking<H, W, T, E>(self, headers: &H, work: W) -> Result<T, E>
    where
        H: Extractor + ?Sized,
        W: FnOnce() -> Result<T, E>,
        E: Display,
    {
        let mut span = self.consumer(&Source::read(headers), ambient());
        let result = span.step(work);
        finish(span, &result);
        result
    }

    fn producer(self, headers: &mut dyn Injector) -> Running {
        let parent = engine::current().unwrap_or_default();
        let span = Running::start(&SEND, &parent, |span| {
            self.destination.describe(&SEND, span);
        });
        global::get_text_map_propagator(|propagator| {
            propagator.inject_context(span.context(), headers);
        });
        span
    }

    fn consumer(self, source: &Source, ambient: SpanContext) -> Running {
        Running::start(&PROCESS, &source.parent, |span| {
            self.described().describe(&PROCESS, span);
            for producer in source.producers() {
                span.link(producer, Vec::new());
            }
            if ambient.is_valid() && ambient != *source.parent.span().span_context() {
                span.link(ambient, Vec::new());
            }
        })
    }

    /// All that is known of the message when it is processed.
    fn described(self) -> Destination {
        match self.sent_at {
            Some(sent_at) => {
                let waited = sent_at.elapsed().unwrap_or_default();
                let seconds = waited.as_secs_f64();
                self.destination.attribute(QUEUE_DURATION, seconds)
            }
            None => self.destination,
        }
    }

    /// The attributes of a message in a batch, as `with` describes it.
    pub(super) fn attributes_in(
        batch: &Destination,
        with: impl FnOnce(Self) -> Self,
    ) -> Vec<KeyValue> {
        let (system, name) = (batch.system.clone(), batch.name.clone());
        with(Self::new(system, name)).described().attributes
    }
}

/// The span that is current here, if there is one.
fn ambient() -> SpanContext {
    engine::current().map_or(SpanContext::NONE, |context| {
        context.span().span_context().clone()
    })
}
