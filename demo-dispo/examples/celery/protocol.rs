//! Celery's message protocol, version 2: a task as a message of RabbitMQ.
//!
//! What is known of a task is in the headers, so that a worker can decide without the body: its name (`task`), its `id`,
//! how often it was tried again (`retries`), when it is due (`eta`) and when no more (`expires`). The trace context lies
//! beside them, each field a header of its own. The body is `[args, kwargs, embed]`; `embed` holds the tasks that follow.
//!
//! <https://docs.celeryq.dev/en/stable/internals/protocol.html#version-2>

use std::collections::HashMap;

use chrono::{DateTime, FixedOffset};
use lapin::{
    BasicProperties,
    types::{AMQPValue, FieldArray, FieldTable, LongString, ShortString},
};
use serde_json::{Map, Value, json};

const CONTENT_TYPE: &str = "application/json";
const CONTENT_ENCODING: &str = "utf-8";

/// A task to be sent.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NewTask<'a> {
    pub(crate) name: &'a str,
    /// A UUID; also the correlation id, and the root of what the task may start.
    pub(crate) id: &'a ShortString,
    /// The sender, as Celery's workers name it.
    pub(crate) origin: &'a str,
    /// Where an answer would go. None is asked for.
    pub(crate) reply_to: &'a ShortString,
    /// The positional arguments, as Python shows them.
    pub(crate) args_repr: &'a str,
}

impl NewTask<'_> {
    /// All of the message but its body; `context` holds the fields of the trace context.
    pub(crate) fn properties(&self, context: &HashMap<String, String>) -> BasicProperties {
        const PERSISTENT: u8 = 2;
        let (id, nothing) = (text(self.id.as_str()), AMQPValue::Void);
        let mut headers = FieldTable::default();
        for (name, value) in [
            ("lang", text("py")),
            ("task", text(self.name)),
            ("id", id.clone()),
            ("shadow", nothing.clone()),
            ("eta", nothing.clone()),
            ("expires", nothing.clone()),
            ("group", nothing.clone()),
            ("group_index", nothing.clone()),
            ("retries", AMQPValue::LongInt(0)),
            ("timelimit", array([nothing.clone(), nothing.clone()])),
            ("root_id", id),
            ("parent_id", nothing.clone()),
            ("argsrepr", text(self.args_repr)),
            ("kwargsrepr", text("{}")),
            ("origin", text(self.origin)),
            ("ignore_result", AMQPValue::Boolean(true)),
            ("replaced_task_nesting", AMQPValue::LongInt(0)),
            ("stamped_headers", nothing),
            ("stamps", AMQPValue::FieldTable(FieldTable::default())),
        ] {
            headers.insert(name.into(), value);
        }
        for (name, value) in context {
            headers.insert(name.as_str().into(), text(value));
        }
        BasicProperties::default()
            .with_content_type(CONTENT_TYPE.into())
            .with_content_encoding(CONTENT_ENCODING.into())
            .with_correlation_id(self.id.clone())
            .with_reply_to(self.reply_to.clone())
            .with_delivery_mode(PERSISTENT)
            .with_priority(0)
            .with_headers(headers)
    }
}

/// The body of a task with these positional arguments, after which no other follows.
pub(crate) fn body(args: &Value) -> Vec<u8> {
    let embed = json!({"callbacks": null, "errbacks": null, "chain": null, "chord": null});
    json!([args, {}, embed]).to_string().into_bytes()
}

/// What a message says of itself, whether or not a task can be read from it.
#[derive(Debug)]
pub(crate) struct Envelope {
    pub(crate) task: Option<String>,
    pub(crate) id: Option<String>,
    pub(crate) correlation_id: Option<String>,
    /// How often it was tried before.
    pub(crate) retries: usize,
    /// The headers that are text, among them the trace context.
    pub(crate) headers: HashMap<String, String>,
}

impl Envelope {
    pub(crate) fn read(properties: &BasicProperties) -> Self {
        let headers = properties.headers().as_ref();
        let retries = headers.and_then(|headers| integer(headers.inner().get("retries")?));
        let headers = headers.into_iter().flat_map(FieldTable::inner);
        let headers: HashMap<_, _> = headers
            .filter_map(|(name, value)| Some((name.to_string(), string(value)?)))
            .collect();
        Self {
            task: headers.get("task").cloned(),
            id: headers.get("id").cloned(),
            correlation_id: properties
                .correlation_id()
                .as_ref()
                .map(ShortString::to_string),
            retries: retries.unwrap_or(0),
            headers,
        }
    }
}

/// A task that was received.
#[derive(Debug)]
pub(crate) struct Task {
    pub(crate) name: String,
    pub(crate) args: Vec<Value>,
    pub(crate) kwargs: Map<String, Value>,
    /// When it is due; `None` at once.
    pub(crate) eta: Option<DateTime<FixedOffset>>,
    /// When it is due no more.
    pub(crate) expires: Option<DateTime<FixedOffset>>,
}

impl Task {
    /// Reads a message of which `envelope` is what it says of itself.
    ///
    /// # Errors
    ///
    /// It is no task of this protocol, its body is not plain JSON of the right shape, or it asks for more than one task.
    pub(crate) fn read(
        envelope: &Envelope,
        properties: &BasicProperties,
        body: &[u8],
    ) -> Result<Self, ReadError> {
        let (Some(name), Some(_)) = (&envelope.task, &envelope.id) else {
            return Err(ReadError::Protocol);
        };
        let content_type = properties.content_type().as_ref();
        if content_type.map(ShortString::as_str) != Some(CONTENT_TYPE) {
            let found = content_type.map(ShortString::to_string);
            return Err(ReadError::ContentType(found.unwrap_or_default()));
        }
        // Kombu writes it either way.
        let is_plain = |encoding: &ShortString| encoding.as_str().eq_ignore_ascii_case("utf-8");
        let encoding = properties.content_encoding().as_ref();
        if let Some(other) = encoding.filter(|encoding| !is_plain(encoding)) {
            return Err(ReadError::ContentEncoding(other.to_string()));
        }
        if let Some(compression) = envelope.headers.get("compression") {
            return Err(ReadError::Compression(compression.clone()));
        }
        let (args, kwargs, embed): (_, _, Option<HashMap<String, Value>>) =
            serde_json::from_slice(body)?;
        let follows = |follow: &Value| match follow {
            Value::Null => false,
            Value::Array(signatures) => !signatures.is_empty(),
            _ => true,
        };
        let mut embed = embed.unwrap_or_default().into_iter();
        if let Some((key, _)) = embed.find(|(_, value)| follows(value)) {
            return Err(ReadError::Canvas(key));
        }
        Ok(Self {
            name: name.clone(),
            args,
            kwargs,
            eta: envelope.time("eta")?,
            expires: envelope.time("expires")?,
        })
    }
}

impl Envelope {
    fn time(&self, header: &'static str) -> Result<Option<DateTime<FixedOffset>>, ReadError> {
        let text = self.headers.get(header);
        text.map(|text| DateTime::parse_from_rfc3339(text))
            .transpose()
            .map_err(|_| ReadError::Time(header))
    }
}

/// Why a message is no task for this worker.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReadError {
    /// Protocol 1 has them in the body.
    #[error("no headers `task` and `id`: not a task of Celery's protocol 2")]
    Protocol,
    #[error("the content type is `{0}`, not {CONTENT_TYPE}")]
    ContentType(String),
    #[error("the content encoding is `{0}`, not {CONTENT_ENCODING}")]
    ContentEncoding(String),
    #[error("the body is compressed by `{0}`")]
    Compression(String),
    #[error("the body is not [args, kwargs, embed]: {0}")]
    Body(#[from] serde_json::Error),
    #[error("`{0}`: no further tasks are called here")]
    Canvas(String),
    #[error("the header `{0}` is not a time with an offset")]
    Time(&'static str),
}

fn text(text: &str) -> AMQPValue {
    AMQPValue::LongString(LongString::from(text))
}

fn array(values: impl IntoIterator<Item = AMQPValue>) -> AMQPValue {
    AMQPValue::FieldArray(FieldArray::from(values.into_iter().collect::<Vec<_>>()))
}

fn string(value: &AMQPValue) -> Option<String> {
    match value {
        AMQPValue::LongString(value) => str::from_utf8(value.as_bytes()).ok().map(str::to_owned),
        AMQPValue::ShortString(value) => Some(value.to_string()),
        _ => None,
    }
}

/// A number that is not negative. Clients choose the size.
fn integer(value: &AMQPValue) -> Option<usize> {
    match *value {
        AMQPValue::ShortShortInt(value) => value.try_into().ok(),
        AMQPValue::ShortShortUInt(value) => Some(value.into()),
        AMQPValue::ShortInt(value) => value.try_into().ok(),
        AMQPValue::ShortUInt(value) => Some(value.into()),
        AMQPValue::LongInt(value) => value.try_into().ok(),
        AMQPValue::LongUInt(value) => value.try_into().ok(),
        AMQPValue::LongLongInt(value) => value.try_into().ok(),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
