//! Producer and consumer spans for messages that carry string headers.
//!
//! The sender's trace goes into the headers by the global propagator, and the receiver's span continues it:
//!
//! ```
//! use std::{collections::HashMap, convert::Infallible};
//!
//! use otel_runtime::instrument::messaging::Message;
//!
//! # async fn example() -> Result<(), Infallible> {
//! # async fn enqueue(_: HashMap<String, String>) -> Result<(), Infallible> { Ok(()) }
//! # async fn plan() -> Result<(), Infallible> { Ok(()) }
//! // In the service that sends:
//! Message::new("apalis", "booking.created")
//!     .id("01JE")
//!     .send(HashMap::new(), |headers| enqueue(headers))
//!     .await?;
//!
//! // In the worker that received `headers` with the message:
//! # let headers: HashMap<String, String> = HashMap::new();
//! Message::new("apalis", "booking.created").id("01JE").process(&headers, plan()).await
//! # }
//! ```
//!
//! [`Batch`] is for messages that are sent or processed together. For one that is sent again, as a retry or as a dead
//! letter, see [`keep_origin`]; for how long it waited, [`Message::sent_at`].

mod batch;
mod headers;
mod message;

use std::{any::type_name, borrow::Cow, fmt::Display};

use opentelemetry::{KeyValue, Value, trace::SpanKind};
use opentelemetry_semantic_conventions::attribute::{
    MESSAGING_DESTINATION_NAME, MESSAGING_OPERATION_NAME, MESSAGING_OPERATION_TYPE,
    MESSAGING_SYSTEM,
};

pub use self::{
    batch::Batch,
    headers::keep_origin,
    message::{Message, QUEUE_DURATION},
};
use super::{
    running::{Running, described},
    starting::{Operation, Starting, joined},
};

/// Where messages go or come from, and what is recorded of that.
#[derive(Clone, Debug)]
struct Destination {
    system: Cow<'static, str>,
    name: Cow<'static, str>,
    attributes: Vec<KeyValue>,
}

impl Destination {
    fn new(system: impl Into<Cow<'static, str>>, name: impl Into<Cow<'static, str>>) -> Self {
        Self {
            system: system.into(),
            name: name.into(),
            attributes: Vec::new(),
        }
    }

    fn attribute(mut self, key: &'static str, value: impl Into<Value>) -> Self {
        self.attributes.push(KeyValue::new(key, value));
        self
    }

    /// Describes the span of an operation.
    fn describe(self, operation: &'static Operation, span: &mut Starting<'_>) {
        span.set_name(joined(operation.name, &self.name));
        let mut fields = span.fields();
        for attribute in self.attributes {
            fields.add(attribute);
        }
        fields.set(MESSAGING_SYSTEM, &self.system);
        fields.set(MESSAGING_DESTINATION_NAME, &self.name);
    }
}

/// What is done with messages: it names the span, and says of which kind it is.
static SEND: Operation = Operation::new("send", SpanKind::Producer).with(&[
    (MESSAGING_OPERATION_NAME, "send"),
    (MESSAGING_OPERATION_TYPE, "send"),
]);
static PROCESS: Operation = Operation::new("process", SpanKind::Consumer).with(&[
    (MESSAGING_OPERATION_NAME, "process"),
    (MESSAGING_OPERATION_TYPE, "process"),
]);

/// Ends the span of an operation that was not cut short.
fn finish<T, E: Display>(mut span: Running, result: &Result<T, E>) {
    if let Err(error) = result
        && span.is_recording()
    {
        // Formatted first, while neither the span nor the current context is borrowed: it is code of the user's.
        let message = described(error);
        span.exception(type_name::<E>(), message.clone());
        span.fail(type_name::<E>(), message.unwrap_or_default());
    }
    span.end();
}

fn integer(value: usize) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}
