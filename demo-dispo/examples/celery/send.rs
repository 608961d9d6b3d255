//! Sends a booking to a worker that may well be written in Python.

use std::{collections::HashMap, process};

use lapin::types::ShortString;
use otel_runtime::{span_attr, traced_span};
use ulid::Ulid;

use crate::{
    arguments::Arguments,
    booking::Booking,
    broker::{Broker, BrokerError},
    protocol::{self, NewTask},
};

/// Sends `booking`, and returns when a queue has it.
#[traced_span("booking.announce")]
#[span_attr("room" = booking.room)]
pub(crate) async fn send(
    broker: &Broker,
    arguments: &Arguments,
    booking: &Booking,
) -> Result<(), BrokerError> {
    let Arguments { route, task, .. } = arguments;
    let id = uuid(Ulid::generate());
    let new = NewTask {
        name: task,
        id: &id,
        origin: &format!("gen{}@dispo", process::id()),
        reply_to: &uuid(Ulid::generate()),
        args_repr: &booking.repr(),
    };
    let body = protocol::body(&booking.to_arguments());
    let destination = format!("{}:{}", route.exchange, route.routing_key);
    broker
        .message(destination, route.routing_key.as_str())
        .id(id.to_string())
        .conversation_id(id.to_string())
        .body_size(body.len())
        .attribute("celery.task_name", task.clone())
        .send(HashMap::new(), |context| {
            let properties = new.properties(&context);
            broker.publish(route, &body, properties)
        })
        .await?;
    log::info!("sent {task} {id} to {}", route.exchange);
    Ok(())
}

/// Turns a ULID into a UUID of version 7, which begins with the time as well: six bits of chance tell version and variant.
fn uuid(ulid: Ulid) -> ShortString {
    const VERSION: u128 = 0xf << 76;
    const VARIANT: u128 = 0b11 << 62;
    let bits = (ulid.0 & !VERSION & !VARIANT) | (0x7 << 76) | (0b10 << 62);
    let hex = format!("{bits:032x}");
    let groups = [
        &hex[..8],
        &hex[8..12],
        &hex[12..16],
        &hex[16..20],
        &hex[20..],
    ];
    groups.join("-").into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_uuids_of_version_7() {
        for (ulid, expected) in [
            (Ulid::nil(), "00000000-0000-7000-8000-000000000000"),
            (Ulid::max(), "ffffffff-ffff-7fff-bfff-ffffffffffff"),
            (
                Ulid(0x0123_4567_89ab_cdef_0123_4567_89ab_cdef),
                "01234567-89ab-7def-8123-456789abcdef",
            ),
        ] {
            assert_eq!(uuid(ulid).as_str(), expected);
        }
    }
}
