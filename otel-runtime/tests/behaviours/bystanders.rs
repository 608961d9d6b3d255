//! What is dropped because of a panic elsewhere did not panic itself.

use std::future::Future;
use std::panic::catch_unwind;

use opentelemetry::trace::Status;
use otel_runtime::{CANCELLED, traced_span};

use super::{block_on, pause, poll_once, record};

#[test]
fn a_future_dropped_by_the_panic_of_another_is_cancelled() {
    #[traced_span]
    async fn bystander() {
        pause().await;
        pause().await;
    }
    #[traced_span]
    async fn panics() {
        pause().await;
        panic!("on purpose");
    }
    async fn both() {
        tokio::join!(bystander(), panics());
    }
    let recorded = record();
    assert!(catch_unwind(|| block_on(both())).is_err());
    let spans = recorded.spans().finished();
    for span in &spans {
        let (status, cancelled) = match span.name.as_str() {
            "bystander" => (Status::Unset, Some(&true.into())),
            _ => (Status::error(""), None),
        };
        assert_eq!(span.status, status, "{}", span.name);
        assert_eq!(span.attribute(CANCELLED), cancelled, "{}", span.name);
    }
    assert_eq!(spans.len(), 2);
}

#[test]
fn a_handed_out_future_dropped_by_a_panic_elsewhere_is_cancelled() {
    #[traced_span]
    fn bystander() -> impl Future<Output = ()> {
        let pauses = 2;
        async move {
            for _ in 0..pauses {
                pause().await;
            }
        }
    }
    let recorded = record();
    let caught = catch_unwind(|| {
        let mut bystander = Box::pin(bystander());
        assert!(poll_once(bystander.as_mut()).is_pending());
        panic!("on purpose");
    });
    assert!(caught.is_err());
    let span = recorded.only();
    assert_eq!(span.status, Status::Unset);
    assert_eq!(span.attribute(CANCELLED), Some(&true.into()));
}

#[test]
fn a_part_dropped_by_a_panic_elsewhere_is_cancelled() {
    #[traced_span]
    async fn bystander() {
        #[traced_span("part")]
        {
            pause().await;
        }
    }
    let recorded = record();
    let caught = catch_unwind(|| {
        let mut bystander = Box::pin(bystander());
        assert!(poll_once(bystander.as_mut()).is_pending());
        panic!("on purpose");
    });
    assert!(caught.is_err());
    let spans = recorded.spans().finished();
    assert_eq!(spans.len(), 2);
    for span in spans {
        assert_eq!(span.status, Status::Unset, "{}", span.name);
        assert_eq!(span.attribute(CANCELLED), Some(&true.into()));
    }
}

#[test]
fn a_future_in_span_dropped_by_a_panic_elsewhere_is_cancelled() {
    use otel_runtime::InSpan as _;
    let recorded = record();
    let caught = catch_unwind(|| {
        let mut bystander = Box::pin(pause().in_span("bystander"));
        assert!(poll_once(bystander.as_mut()).is_pending());
        panic!("on purpose");
    });
    assert!(caught.is_err());
    let span = recorded.only();
    assert_eq!(span.status, Status::Unset);
    assert_eq!(span.attribute(CANCELLED), Some(&true.into()));
}

#[test]
fn a_stream_dropped_by_a_panic_elsewhere_is_not_blamed() {
    use futures_util::stream::{self, Stream};
    #[traced_span]
    fn bystander() -> impl Stream<Item = u32> {
        stream::iter(0..2)
    }
    let recorded = record();
    let caught = catch_unwind(|| {
        let _bystander = bystander();
        panic!("on purpose");
    });
    assert!(caught.is_err());
    assert_eq!(recorded.only().status, Status::Unset);
}
