//! The keys of attributes that the services may export.

#![allow(
    dead_code,
    reason = "shared by test binaries of which none needs all of it"
)]

use std::collections::BTreeSet;

use opentelemetry_semantic_conventions::{attribute, resource};
use otel_runtime::{instrument::messaging::QUEUE_DURATION, testing::SpanRecord};

/// Those of the conventions that are used; a misspelt one is not there to be named.
const CONVENTIONS: &[&str] = &[
    attribute::CLIENT_ADDRESS,
    attribute::CODE_FILE_PATH,
    attribute::CODE_FUNCTION_NAME,
    attribute::CODE_LINE_NUMBER,
    attribute::DB_CLIENT_CONNECTION_POOL_NAME,
    attribute::DB_NAMESPACE,
    attribute::DB_QUERY_SUMMARY,
    attribute::DB_QUERY_TEXT,
    attribute::DB_RESPONSE_STATUS_CODE,
    attribute::DB_SYSTEM_NAME,
    attribute::ERROR_TYPE,
    attribute::EXCEPTION_MESSAGE,
    attribute::EXCEPTION_TYPE,
    attribute::HTTP_REQUEST_METHOD,
    attribute::HTTP_REQUEST_METHOD_ORIGINAL,
    attribute::HTTP_RESPONSE_STATUS_CODE,
    attribute::HTTP_ROUTE,
    attribute::MESSAGING_DESTINATION_NAME,
    attribute::MESSAGING_MESSAGE_BODY_SIZE,
    attribute::MESSAGING_MESSAGE_CONVERSATION_ID,
    attribute::MESSAGING_MESSAGE_ID,
    attribute::MESSAGING_OPERATION_NAME,
    attribute::MESSAGING_OPERATION_TYPE,
    attribute::MESSAGING_RABBITMQ_DESTINATION_ROUTING_KEY,
    attribute::MESSAGING_SYSTEM,
    attribute::NETWORK_PEER_ADDRESS,
    attribute::NETWORK_PEER_PORT,
    attribute::NETWORK_PROTOCOL_VERSION,
    attribute::SERVER_ADDRESS,
    attribute::SERVER_PORT,
    attribute::URL_PATH,
    attribute::URL_QUERY,
    attribute::URL_SCHEME,
    attribute::USER_AGENT_ORIGINAL,
    resource::SERVICE_NAME,
    resource::SERVICE_VERSION,
    resource::TELEMETRY_SDK_LANGUAGE,
    resource::TELEMETRY_SDK_NAME,
    resource::TELEMETRY_SDK_VERSION,
];

/// Those of the demos themselves; `problem.` is of a request that cannot be understood.
const PREFIXES: [&str; 4] = ["booking.", "room.", "cleaning.", "problem."];

/// What the original records too, under these names: the room that is booked or cleaned, and the message as it came.
const OF_THE_ORIGINAL: [&str; 2] = ["room", "payload"];

/// Those that `instrument::messaging` documents: how often a message was delivered, which the conventions have for other
/// systems only, and how long it waited.
const OF_MESSAGES: [&str; 3] = [
    "messaging.apalis.message.delivery_count",
    "messaging.rabbitmq.message.delivery_count",
    QUEUE_DURATION,
];

/// Keys of spans, events, links and resources that are none of these.
pub(crate) fn unknown(spans: &[SpanRecord]) -> BTreeSet<&str> {
    spans
        .iter()
        .flat_map(|span| {
            let events = span.events.iter().flat_map(|event| &event.attributes);
            let links = span.links.iter().flat_map(|link| &link.attributes);
            let all = span.attributes.iter().chain(events).chain(links);
            all.chain(span.resource.iter())
        })
        .map(|attribute| attribute.key.as_str())
        .filter(|key| !is_known(key))
        .collect()
}

/// Whether this is one of them.
pub(crate) fn is_known(key: &str) -> bool {
    CONVENTIONS.contains(&key)
        || OF_THE_ORIGINAL.contains(&key)
        || OF_MESSAGES.contains(&key)
        || PREFIXES.iter().any(|prefix| key.starts_with(prefix))
}
