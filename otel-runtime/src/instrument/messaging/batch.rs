//! Messages that are sent or processed together.

use std::{borrow::Cow, collections::HashSet, fmt::Display, future::Future};

use opentelemetry::{
    KeyValue, Value, global,
    propagation::{Extractor, Injector},
    trace::{SpanContext, SpanId, TraceId},
};
use opentelemetry_semantic_conventions::attribute::MESSAGING_BATCH_MESSAGE_COUNT;

use super::{
    Destination, Message, Operation, PROCESS, Running, SEND, Starting, finish, headers::Source,
    integer,
};
use crate::engine;

/// What is known of messages that one operation sends or processes at once.
///
/// `destination` becomes part of the span's name, as with [`Message`]. One message that is on its own is
/// better a `Message`, also where its client knows batches only: then its span continues the sender's.
///
/// ```
/// # use std::{collections::HashMap, convert::Infallible};
/// use otel_runtime::instrument::messaging::Batch;
///
/// # struct Received { headers: HashMap<String, String> }
/// # async fn plan_all(_: Vec<Received>) -> Result<(), Infallible> { Ok(()) }
/// # async fn example(received: Vec<Received>) -> Result<(), Infallible> {
/// let batch = Batch::new("kafka", "booking.created");
/// received
///     .iter()
///     .fold(batch, |batch, message| batch.message(&message.headers))
///     .process(plan_all(received))
///     .await
/// # }
/// ```
#[derive(Clone, Debug)]
#[must_use = "a batch makes a span only when it is sent or processed"]
pub struct Batch {
    destination: Destination,
    count: usize,
    /// Each with what is known of its message.
    producers: Vec<(SpanContext, Vec<KeyValue>)>,
    /// Those that are in the list.
    known: HashSet<(TraceId, SpanId)>,
}

impl Batch {
    /// Starts with the messaging system (`rabbitmq`, `kafka`, `apalis`, ...) and the name of the destination.
    pub fn new(
        system: impl Into<Cow<'static, str>>,
        destination: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self {
            destination: Destination::new(system, destination),
            count: 0,
            producers: Vec::new(),
            known: HashSet::new(),
        }
    }

    /// Adds a message that is to be processed: it counts, and its producer, taken from `headers` by the global
    /// propagator, is linked to. A producer of several of the messages is linked to once.
    pub fn message<H: Extractor + ?Sized>(self, headers: &H) -> Self {
        self.add(headers, Vec::new())
    }

    /// Adds a message as [`message`](Self::message) does, and records what is known of it on the link to its producer, by the
    /// methods of [`Message`]. The link is then the message's own, whoever else has the same producer.
    ///
    /// Headers that name no producer make no link, so that there is nothing to record it on.
    ///
    /// ```
    /// # use std::collections::HashMap;
    /// use otel_runtime::instrument::messaging::Batch;
    ///
    /// # struct Received { id: String, deliveries: usize, headers: HashMap<String, String> }
    /// # fn example(received: &[Received]) {
    /// let batch = received.iter().fold(Batch::new("kafka", "booking.created"), |batch, message| {
    ///     batch.message_with(&message.headers, |it| {
    ///         it.id(message.id.clone()).delivery_count(message.deliveries)
    ///     })
    /// });
    /// # drop(batch);
    /// # }
    /// ```
    pub fn message_with<H: Extractor + ?Sized>(
        self,
        headers: &H,
        describe: impl FnOnce(Message) -> Message,
    ) -> Self {
        let attributes = Message::attributes_in(&self.destination, describe);
        self.add(headers, attributes)
    }

    fn add<H: Extractor + ?Sized>(mut self, headers: &H, mut attributes: Vec<KeyValue>) -> Self {
        self.count += 1;
        for producer in Source::read(headers).producers() {
            // They are the sender's, which comes first.
            let attributes = std::mem::take(&mut attributes);
            let is_new = self.known.insert((producer.trace_id(), producer.span_id()));
            if is_new || !attributes.is_empty() {
                self.producers.push((producer, attributes));
            }
        }
        self
    }

    /// Records what else is known of the batch or its broker, such as `server.address`, by the keys of the conventions.
    pub fn attribute(mut self, key: &'static str, value: impl Into<Value>) -> Self {
        self.destination = self.destination.attribute(key, value);
        self
    }

    /// Sends messages, of which these are the headers, within one producer span `send {destination}`.
    ///
    /// The span's context is written into each message's headers, so that whoever receives one of them continues the
    /// sender's trace. How many there are is recorded (`messaging.batch.message_count`). For the rest it is as
    /// [`Message::send`].
    ///
    /// # Errors
    ///
    /// Whatever the future returns is handed on.
    pub async fn send<H, P, F, T, E>(self, mut headers: Vec<H>, publish: P) -> Result<T, E>
    where
        H: Injector,
        P: FnOnce(Vec<H>) -> F,
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
    pub fn send_blocking<H, P, T, E>(self, mut headers: Vec<H>, publish: P) -> Result<T, E>
    where
        H: Injector,
        P: FnOnce(Vec<H>) -> Result<T, E>,
        E: Display,
    {
        let mut span = self.producer(&mut headers);
        let result = span.step(|| publish(headers));
        finish(span, &result);
        result
    }

    /// Processes the messages that were [added](Self::message) within one consumer span `process {destination}`.
    ///
    /// The span is linked to each producer and continues none of their traces: its parent is the current span, and
    /// without one it is a root. How many messages there are is recorded (`messaging.batch.message_count`). It is current
    /// while `work` runs, and ends as [`Message::send`] says.
    ///
    /// # Errors
    ///
    /// Whatever `work` returns is handed on.
    pub async fn process<F, T, E>(self, work: F) -> Result<T, E>
    where
        F: Future<Output = Result<T, E>>,
        E: Display,
    {
        let mut span = self.consumer();
        let result = span.drive(work).await;
        finish(span, &result);
        result
    }

    /// Like [`process`](Self::process), for workers that are not async.
    ///
    /// # Errors
    ///
    /// Whatever `work` returns is handed on.
    pub fn process_blocking<W, T, E>(self, work: W) -> Result<T, E>
    where
        W: FnOnce() -> Result<T, E>,
        E: Display,
    {
        let mut span = self.consumer();
        let result = span.step(work);
        finish(span, &result);
        result
    }

    fn producer<H: Injector>(mut self, headers: &mut [H]) -> Running {
        self.count = headers.len();
        let span = self.start(&SEND);
        global::get_text_map_propagator(|propagator| {
            for headers in &mut *headers {
                propagator.inject_context(span.context(), headers);
            }
        });
        span
    }

    fn consumer(self) -> Running {
        self.start(&PROCESS)
    }

    fn start(self, operation: &'static Operation) -> Running {
        let describe = |span: &mut Starting<'_>| {
            self.destination
                .attribute(MESSAGING_BATCH_MESSAGE_COUNT, integer(self.count))
                .describe(operation, span);
            for (producer, attributes) in self.producers {
                span.link(producer, attributes);
            }
        };
        let parent = engine::current().unwrap_or_default();
        Running::start(operation, &parent, describe)
    }
}
