//! The protocol, held against a message that Celery 5.7 sent.

use lapin::types::AMQPValue::{self, FieldTable as Table, LongInt, LongString, Void};

use super::*;

const ID: &str = "04fea53b-2ae6-43ae-a981-9dc9800674b6";
const ARGS_REPR: &str = "({'room': 'President Suite', 'start': datetime.date(2023, 2, 4), 'end': datetime.date(2023, 2, 6)},)";
const BODY: &str = r#"[[{"room": "President Suite", "start": {"__type__": "date", "__value__": "2023-02-04"}, "end": {"__type__": "date", "__value__": "2023-02-06"}}], {}, {"callbacks": null, "errbacks": null, "chain": null, "chord": null}]"#;

fn context() -> HashMap<String, String> {
    [
        (
            "traceparent",
            "00-0af7651916cd43dd8448eb211c80319c-975d475d4e77254d-01",
        ),
        ("tracestate", "congo=t61rcWkgMzE"),
        ("baggage", "userId=alice,plan=gold"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .into()
}

/// A message as AMQP shows it, in the form in which it was recorded.
fn shown(properties: &BasicProperties) -> Value {
    let headers = properties.headers().as_ref().unwrap().inner();
    let headers: Map<_, _> = headers
        .iter()
        .map(|(name, value)| (name.to_string(), shown_value(value)))
        .collect();
    let short = |value: &Option<ShortString>| value.as_ref().map(ShortString::to_string);
    json!({
        "headers": headers,
        "properties": {
            "content_type": short(properties.content_type()),
            "content_encoding": short(properties.content_encoding()),
            "delivery_mode": properties.delivery_mode(),
            "priority": properties.priority(),
            "correlation_id": short(properties.correlation_id()),
            "reply_to": short(properties.reply_to()),
        },
    })
}

fn shown_value(value: &AMQPValue) -> Value {
    match value {
        Void => Value::Null,
        AMQPValue::Boolean(value) => json!(value),
        LongInt(value) => json!(value),
        LongString(value) => json!(value.to_string()),
        AMQPValue::FieldArray(values) => values.as_slice().iter().map(shown_value).collect(),
        Table(table) => {
            let entries = table.inner().iter();
            entries
                .map(|(name, value)| (name.to_string(), shown_value(value)))
                .collect()
        }
        other => panic!("Celery writes no {other:?}"),
    }
}

fn sent() -> BasicProperties {
    let task = NewTask {
        name: "booking.created",
        id: &ID.into(),
        origin: "gen25942@dispo",
        reply_to: &"5229f521-a237-36e5-8e88-d7f6f9201e68".into(),
        args_repr: ARGS_REPR,
    };
    task.properties(&context())
}

#[test]
fn a_task_is_written_as_celery_does() {
    assert_eq!(
        shown(&sent()),
        json!({
            "headers": {
                "lang": "py",
                "task": "booking.created",
                "id": ID,
                "shadow": null,
                "eta": null,
                "expires": null,
                "group": null,
                "group_index": null,
                "retries": 0,
                "timelimit": [null, null],
                "root_id": ID,
                "parent_id": null,
                "argsrepr": ARGS_REPR,
                "kwargsrepr": "{}",
                "origin": "gen25942@dispo",
                "ignore_result": true,
                "replaced_task_nesting": 0,
                "stamped_headers": null,
                "stamps": {},
                "traceparent": "00-0af7651916cd43dd8448eb211c80319c-975d475d4e77254d-01",
                "tracestate": "congo=t61rcWkgMzE",
                "baggage": "userId=alice,plan=gold",
            },
            "properties": {
                "content_type": "application/json",
                "content_encoding": "utf-8",
                "delivery_mode": 2,
                "priority": 0,
                "correlation_id": ID,
                "reply_to": "5229f521-a237-36e5-8e88-d7f6f9201e68",
            },
        })
    );
}

#[test]
fn a_body_is_written_as_celery_does() {
    let recorded: Value = serde_json::from_str(BODY).unwrap();
    let written: Value = serde_json::from_slice(&body(&recorded[0])).unwrap();
    assert_eq!(written, recorded);
}

fn read(properties: &BasicProperties, body: &str) -> Result<Task, String> {
    let envelope = Envelope::read(properties);
    Task::read(&envelope, properties, body.as_bytes()).map_err(|error| error.to_string())
}

/// A message of Celery's, with a few headers changed.
fn with(changes: &[(&str, AMQPValue)]) -> BasicProperties {
    let mut headers = sent().headers().clone().unwrap();
    for (name, value) in changes {
        headers.insert((*name).into(), value.clone());
    }
    sent().with_headers(headers)
}

#[test]
fn a_task_is_read() {
    let envelope = Envelope::read(&sent());
    assert_eq!(envelope.id.as_deref(), Some(ID));
    assert_eq!(envelope.correlation_id.as_deref(), Some(ID));
    assert_eq!(envelope.retries, 0);
    for (name, value) in context() {
        assert_eq!(envelope.headers[&name], value);
    }
    let task = read(&sent(), BODY).unwrap();
    assert_eq!(task.name, "booking.created");
    assert_eq!(task.args[0]["room"], "President Suite");
    assert_eq!(task.kwargs, Map::new());
    assert_eq!((task.eta, task.expires), (None, None));
}

#[test]
fn retries_are_read_in_every_size() {
    for retries in [
        AMQPValue::ShortShortInt(2),
        AMQPValue::ShortShortUInt(2),
        AMQPValue::ShortInt(2),
        AMQPValue::ShortUInt(2),
        LongInt(2),
        AMQPValue::LongUInt(2),
        AMQPValue::LongLongInt(2),
    ] {
        assert_eq!(Envelope::read(&with(&[("retries", retries)])).retries, 2);
    }
    for retries in [LongInt(-1), text("2"), Void] {
        assert_eq!(Envelope::read(&with(&[("retries", retries)])).retries, 0);
    }
}

#[test]
fn times_are_read() {
    let properties = with(&[
        ("eta", text("2026-11-23T22:59:01.123456+00:00")),
        ("expires", text("2026-11-24T00:59:01+02:00")),
    ]);
    let task = read(&properties, BODY).unwrap();
    assert_eq!(
        task.eta.unwrap().to_rfc3339(),
        "2026-11-23T22:59:01.123456+00:00"
    );
    assert_eq!(
        task.expires.unwrap().to_rfc3339(),
        "2026-11-24T00:59:01+02:00"
    );
}

#[test]
fn less_is_read_too() {
    let plain = BasicProperties::default()
        .with_content_type("application/json".into())
        .with_headers(
            [("task", text("booking.created")), ("id", text(ID))]
                .map(|(name, value)| (name.into(), value))
                .into_iter()
                .collect::<std::collections::BTreeMap<_, _>>()
                .into(),
        );
    for body in [
        "[[], {}, null]",
        "[[], {}, {}]",
        r#"[[], {}, {"callbacks": []}]"#,
    ] {
        assert!(read(&plain, body).is_ok(), "{body}");
    }
}

#[test]
fn what_is_no_task_is_refused() {
    let as_is = sent();
    for (properties, body, message) in [
        (
            BasicProperties::default(),
            BODY,
            "no headers `task` and `id`: not a task of Celery's protocol 2",
        ),
        (
            with(&[("task", Void)]),
            BODY,
            "no headers `task` and `id`: not a task of Celery's protocol 2",
        ),
        (
            sent().with_content_type("application/x-python-serialize".into()),
            BODY,
            "the content type is `application/x-python-serialize`, not application/json",
        ),
        (
            sent().with_content_encoding("utf-16".into()),
            BODY,
            "the content encoding is `utf-16`, not utf-8",
        ),
        (
            with(&[("compression", text("application/x-gzip"))]),
            BODY,
            "the body is compressed by `application/x-gzip`",
        ),
        (
            as_is.clone(),
            "[[",
            "the body is not [args, kwargs, embed]: EOF while parsing a list at line 1 column 2",
        ),
        (
            as_is.clone(),
            "[{}, {}, {}]",
            "the body is not [args, kwargs, embed]: invalid type: map, expected a sequence at line 1 column 1",
        ),
        (
            as_is,
            r#"[[], {}, {"chain": [{"task": "room.clean"}]}]"#,
            "`chain`: no further tasks are called here",
        ),
        (
            with(&[("eta", text("2026-11-23T22:59:01"))]),
            BODY,
            "the header `eta` is not a time with an offset",
        ),
    ] {
        assert_eq!(read(&properties, body).unwrap_err(), message);
    }
}
