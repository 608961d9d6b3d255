//! Producer and consumer spans: how they are joined, what they record, and how they end.

use std::{
    collections::HashMap,
    convert::Infallible,
    fmt,
    future::{Future, pending, ready},
    panic::{AssertUnwindSafe, catch_unwind},
    pin::pin,
    task::{Context as Waker, Poll, Waker as NoWaker},
};

use crate::recorded::Recorded;
use opentelemetry::{
    Context, KeyValue,
    baggage::BaggageExt as _,
    global,
    trace::{
        SpanContext, SpanId, TraceContextExt as _, TraceFlags, TraceId, TraceState, Tracer as _,
    },
};
use otel_runtime::instrument::messaging::Message;
use otel_runtime::testing::{Detail, tree};

type Headers = HashMap<String, String>;

const SAMPLED: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
const UNSAMPLED: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00";

fn message() -> Message {
    Message::new("apalis", "booking.created")
}

fn traceparent(value: &str) -> Headers {
    Headers::from([("traceparent".to_owned(), value.to_owned())])
}

fn current() -> SpanContext {
    Context::current().span().span_context().clone()
}

/// Polls once a future that must be ready.
fn now<F: Future>(future: F) -> F::Output {
    match pin!(future).poll(&mut Waker::from_waker(NoWaker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("the future is not ready"),
    }
}

#[derive(Debug)]
struct RoomClosed;

impl fmt::Display for RoomClosed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Needs the current context, and the current span.
        global::tracer("test").in_span("formatting", |context| {
            context.span().set_attribute(KeyValue::new("a", 1));
        });
        Context::current()
            .span()
            .set_attribute(KeyValue::new("formatted", true));
        f.write_str("room 7 is closed")
    }
}

#[test]
fn a_message_carries_the_trace_from_sender_to_receiver() {
    let spans = Recorded::start();
    let mut sent = Headers::new();
    global::tracer("test").in_span("booking.create", |_| {
        let result = now(message().id("m1").body_size(42).conversation_id("c1").send(
            Headers::new(),
            |headers| {
                sent = headers;
                ready(Ok::<_, Infallible>("queued"))
            },
        ));
        assert_eq!(result, Ok("queued"));
    });
    let work = async {
        global::tracer("test").in_span("cleaning.plan", |_| ());
        Ok::<_, Infallible>(())
    };
    assert_eq!(
        now(message().id("m1").delivery_count(2).process(&sent, work)),
        Ok(())
    );
    spans.check(
        "
        INTERNAL booking.create
          PRODUCER send booking.created
              · messaging.destination.name = \"booking.created\"
              · messaging.message.body.size = 42
              · messaging.message.conversation_id = \"c1\"
              · messaging.message.id = \"m1\"
              · messaging.operation.name = \"send\"
              · messaging.operation.type = \"send\"
              · messaging.system = \"apalis\"
            CONSUMER process booking.created
                · messaging.apalis.message.delivery_count = 2
                · messaging.destination.name = \"booking.created\"
                · messaging.message.id = \"m1\"
                · messaging.operation.name = \"process\"
                · messaging.operation.type = \"process\"
                · messaging.system = \"apalis\"
                ~ link to PRODUCER send booking.created
              INTERNAL cleaning.plan
        ",
    );
    for span in spans
        .finished()
        .iter()
        .filter(|span| span.scope_name != "test")
    {
        assert_eq!(span.scope_name, "otel-runtime");
        assert_eq!(
            span.scope_version.as_deref(),
            Some(env!("CARGO_PKG_VERSION"))
        );
    }
}

#[test]
fn a_message_without_headers_makes_a_root() {
    let spans = Recorded::start();
    global::tracer("test").in_span("poll", |_| {
        let _ = now(message().process(&Headers::new(), ready(Ok::<_, Infallible>(()))));
        let _ = now(message().process(&traceparent("broken"), ready(Ok::<_, Infallible>(()))));
    });
    let consumers = spans
        .finished()
        .into_iter()
        .filter(|span| span.name == "process booking.created");
    let consumers: Vec<_> = consumers.collect();
    assert_eq!(consumers.len(), 2);
    for consumer in consumers {
        assert_eq!(consumer.parent_span_id, None);
    }
}

#[test]
fn the_span_within_which_a_message_is_processed_is_linked_to() {
    let spans = Recorded::start();
    let request = global::tracer("test").in_span("poll", |context| {
        let _ = now(message().process(&Headers::new(), ready(Ok::<_, Infallible>(()))));
        let headers = traceparent(SAMPLED);
        let _ = message().process_blocking(&headers, || Ok::<_, Infallible>(()));
        context.span().span_context().span_id()
    });
    // One that a message is sent and processed in is its parent.
    let sent = now(message().send(Headers::new(), |headers| {
        ready(Ok::<_, Infallible>(headers))
    }));
    let sent = sent.unwrap_or_else(|error| match error {});
    let _ = message().process_blocking(&sent, || Ok::<_, Infallible>(()));
    let links = spans.finished().into_iter();
    let links = links.filter(|span| span.name.starts_with("process"));
    let links: Vec<_> = links
        .map(|span| {
            span.links
                .iter()
                .map(|link| link.span_id)
                .collect::<Vec<_>>()
        })
        .collect();
    let sender = SpanId::from(0xb7ad_6b71_6920_3331);
    assert_eq!(links[0], [request]);
    assert_eq!(links[1], [sender, request]);
    assert_eq!(links[2].len(), 1);
}

#[test]
fn a_remote_sender_is_parent_and_link_and_its_state_and_baggage_arrive() {
    let spans = Recorded::start();
    let mut headers = traceparent(SAMPLED);
    headers.insert("tracestate".to_owned(), "vendor=1".to_owned());
    headers.insert("baggage".to_owned(), "guest=alice".to_owned());
    let work = async {
        assert_eq!(current().trace_state().get("vendor"), Some("1"));
        assert_eq!(
            Context::current()
                .baggage()
                .get("guest")
                .map(ToString::to_string)
                .as_deref(),
            Some("alice")
        );
        Ok::<_, Infallible>(())
    };
    let _ = now(message().process(&headers, work));
    let [span] = &spans.finished()[..] else {
        panic!("one span")
    };
    assert_eq!(
        span.trace_id.to_string(),
        "0af7651916cd43dd8448eb211c80319c"
    );
    assert_eq!(
        span.parent_span_id.map(|id| id.to_string()).as_deref(),
        Some("b7ad6b7169203331")
    );
    assert!(span.parent_is_remote);
    assert_eq!(span.links.len(), 1);
    assert_eq!(span.links[0].span_id.to_string(), "b7ad6b7169203331");
    assert_eq!(span.links[0].trace_id, span.trace_id);
}

#[test]
fn an_unsampled_sender_makes_no_spans_and_is_passed_on() {
    let spans = Recorded::start();
    let mut passed_on = Headers::new();
    let work = async {
        Message::new("apalis", "cleaning.planned")
            .send(Headers::new(), |headers| {
                passed_on = headers;
                ready(Ok::<_, Infallible>(()))
            })
            .await
    };
    let _ = now(message().process(&traceparent(UNSAMPLED), work));
    spans.check("");
    assert!(
        passed_on["traceparent"].starts_with("00-0af7651916cd43dd8448eb211c80319c-"),
        "{passed_on:?}"
    );
    assert!(passed_on["traceparent"].ends_with("-00"), "{passed_on:?}");
}

#[test]
fn an_error_is_recorded_where_it_arose_and_handed_on() {
    let spans = Recorded::start();
    let result = now(message().process(&Headers::new(), ready(Err::<(), _>(RoomClosed))));
    assert!(matches!(result, Err(RoomClosed)));
    assert!(
        spans.tree().contains("INTERNAL formatting"),
        "the error opened a span of its own"
    );
    let consumer = spans
        .finished()
        .into_iter()
        .find(|span| span.name.starts_with("process"))
        .expect("the span");
    let consumer = tree(&[consumer], Detail::NAMES.with_attributes());
    let error_type = std::any::type_name::<RoomClosed>();
    let expected = format!(
        "CONSUMER process booking.created ERROR: room 7 is closed
    · error.type = \"{error_type}\"
    · messaging.destination.name = \"booking.created\"
    · messaging.operation.name = \"process\"
    · messaging.operation.type = \"process\"
    · messaging.system = \"apalis\"
    * exception
      · exception.message = \"room 7 is closed\"
      · exception.type = \"{error_type}\""
    );
    assert_eq!(consumer, expected);
}

#[test]
fn an_error_that_panics_when_formatted_breaks_nothing() {
    struct Broken;

    impl fmt::Display for Broken {
        fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
            panic!("not today");
        }
    }

    let spans = Recorded::start();
    assert!(now(message().process(&Headers::new(), ready(Err::<(), _>(Broken)))).is_err());
    let [span] = &spans.finished()[..] else {
        panic!("one span")
    };
    assert_eq!(span.status, opentelemetry::trace::Status::error(""));
    assert_eq!(span.events.len(), 1);
}

#[test]
fn a_panic_marks_the_span_and_goes_on() {
    let spans = Recorded::start();
    let before = current();
    let queue = std::hint::black_box(3);
    let sending = message().send(Headers::new(), |_| async move {
        assert!(current().is_valid());
        panic!("queue {queue} is gone");
        #[expect(unreachable_code, reason = "tells the type")]
        Ok::<(), Infallible>(())
    });
    let panic = catch_unwind(AssertUnwindSafe(|| now(sending))).expect_err("goes on");
    assert_eq!(
        panic.downcast_ref::<String>().map(String::as_str),
        Some("queue 3 is gone")
    );
    assert_eq!(current(), before);
    spans.check(
        "
        PRODUCER send booking.created ERROR: queue 3 is gone
            · error.type = \"panic\"
            · messaging.destination.name = \"booking.created\"
            · messaging.operation.name = \"send\"
            · messaging.operation.type = \"send\"
            · messaging.system = \"apalis\"
            * exception
              · exception.message = \"queue 3 is gone\"
              · exception.type = \"panic\"
        ",
    );
}

#[test]
fn work_that_is_dropped_half_way_is_marked_and_never_polled_work_leaves_nothing() {
    let spans = Recorded::start();
    drop(message().send(Headers::new(), |_| ready(Ok::<_, Infallible>(()))));
    drop(message().process(&Headers::new(), ready(Ok::<_, Infallible>(()))));
    spans.check("");

    let mut work =
        Box::pin(message().process(&Headers::new(), pending::<Result<(), Infallible>>()));
    assert!(
        work.as_mut()
            .poll(&mut Waker::from_waker(NoWaker::noop()))
            .is_pending()
    );
    assert!(!current().is_valid());
    drop(work);
    spans.check(
        "
        CONSUMER process booking.created
            · messaging.destination.name = \"booking.created\"
            · messaging.operation.name = \"process\"
            · messaging.operation.type = \"process\"
            · messaging.system = \"apalis\"
            · otel_runtime.cancelled = true
        ",
    );
}

#[test]
fn work_that_is_dropped_half_way_is_dropped_within_its_span() {
    struct Unlock;
    impl Drop for Unlock {
        fn drop(&mut self) {
            global::tracer("test").in_span("unlock", |_| ());
        }
    }
    let spans = Recorded::start();
    let headers = Headers::new();
    let work = async {
        let _lock = Unlock;
        pending::<Result<(), Infallible>>().await
    };
    let mut work = Box::pin(message().process(&headers, work));
    let mut waker = Waker::from_waker(NoWaker::noop());
    assert!(work.as_mut().poll(&mut waker).is_pending());
    drop(work);
    assert!(!current().is_valid());
    assert_eq!(
        spans.bare_tree(),
        "CONSUMER process booking.created\n  INTERNAL unlock"
    );
}

#[test]
fn the_span_is_current_only_while_the_work_is_polled() {
    let spans = Recorded::start();
    let mut polls = 0;
    let work = std::future::poll_fn(|_| {
        assert!(current().is_valid());
        polls += 1;
        if polls == 3 {
            Poll::Ready(Ok::<_, Infallible>(()))
        } else {
            Poll::Pending
        }
    });
    let headers = Headers::new();
    let mut work = pin!(message().process(&headers, work));
    let mut waker = Waker::from_waker(NoWaker::noop());
    for _ in 0..2 {
        assert!(work.as_mut().poll(&mut waker).is_pending());
        assert!(!current().is_valid());
        assert!(spans.finished().is_empty());
    }
    assert!(work.as_mut().poll(&mut waker).is_ready());
    // Ended by now, though the finished future is still there.
    assert_eq!(spans.finished().len(), 1);
}

#[test]
fn blocking_work_is_spanned_the_same_way() {
    let spans = Recorded::start();
    let mut sent = Headers::new();
    let result = message().send_blocking(Headers::new(), |headers| {
        sent = headers;
        Ok::<_, Infallible>(1)
    });
    assert_eq!(result, Ok(1));
    assert_eq!(
        message().process_blocking(&sent, || Err::<(), _>("no room")),
        Err("no room")
    );
    assert_eq!(
        spans
            .finished()
            .iter()
            .map(|span| format!("{} {:?}", span.name, span.status))
            .collect::<Vec<_>>(),
        [
            "send booking.created Unset",
            "process booking.created Error { description: \"no room\" }"
        ],
    );
}

#[test]
fn nothing_is_recorded_where_telemetry_is_suppressed_but_the_trace_goes_on() {
    let spans = Recorded::start();
    let remote = SpanContext::new(
        TraceId::from(7_u128),
        SpanId::from(8_u64),
        TraceFlags::SAMPLED,
        true,
        TraceState::NONE,
    );
    let suppressed = Context::new()
        .with_remote_span_context(remote)
        .with_telemetry_suppressed();
    let _current = suppressed.attach();
    let mut sent = Headers::new();
    let _ = message().send_blocking(Headers::new(), |headers| {
        sent = headers;
        Ok::<_, Infallible>(())
    });
    let _ = message().process_blocking(&sent, || {
        assert!(Context::is_current_telemetry_suppressed());
        assert_eq!(current().trace_id(), TraceId::from(7_u128));
        Ok::<_, Infallible>(())
    });
    spans.check("");
    assert_eq!(
        sent["traceparent"],
        "00-00000000000000000000000000000007-0000000000000008-01"
    );
}

#[test]
fn sending_and_processing_can_be_spawned() {
    fn spawnable<F: Future + Send + 'static>(_: F) {}
    spawnable(message().send(Headers::new(), |_| async { Ok::<_, Infallible>(()) }));
    let headers = Headers::new();
    spawnable(message().process(&headers, async { Ok::<_, Infallible>(()) }));
}
