//! Futures and streams that a function hands out, with a span that lasts as long as they do.

use std::future::Future;
use std::pin::Pin;
use std::task::{self, Poll, ready};

use futures_core::future::FusedFuture;
use futures_core::stream::{FusedStream, Stream};
use pin_project_lite::pin_project;

use super::TaskSpan;
use super::within::{Around, Within};

pin_project! {
    /// A future within its span, which ends when the future is ready or dropped.
    #[must_use = "futures do nothing unless polled"]
    pub struct TracedFuture<F, E> {
        #[pin]
        within: Within<F, Option<Recorded<E>>>,
    }
}

/// A span, and what records how it ends.
struct Recorded<E> {
    span: TaskSpan,
    record: E,
}

impl<E> Around for Recorded<E> {
    type Attached = <TaskSpan as Around>::Attached;

    fn make_current(&self) -> Self::Attached {
        self.span.make_current()
    }
}

impl<F, E> TracedFuture<F, E>
where
    F: Future,
    E: FnOnce(&TaskSpan, &F::Output),
{
    /// Puts a future into a span; `record` sees what it comes to.
    pub fn new(span: TaskSpan, future: F, record: E) -> TracedFuture<F, E> {
        TracedFuture {
            within: Within::new(future, Some(Recorded { span, record })),
        }
    }
}

impl<F, E> Future for TracedFuture<F, E>
where
    F: Future,
    E: FnOnce(&TaskSpan, &F::Output),
{
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, task: &mut task::Context<'_>) -> Poll<F::Output> {
        let mut within = self.project().within;
        let (future, end) = within.as_mut().parts();
        let output = {
            let _entered = end.as_ref().map(|end| end.span.enter());
            ready!(future.poll(task))
        };
        if let Some(Recorded { span, record }) = end.take() {
            {
                let _entered = span.enter();
                within.clear();
                record(&span, &output);
            }
            span.finish();
        }
        Poll::Ready(output)
    }
}

impl<F, E> FusedFuture for TracedFuture<F, E>
where
    F: FusedFuture,
    E: FnOnce(&TaskSpan, &F::Output),
{
    fn is_terminated(&self) -> bool {
        self.within.inner().is_none_or(F::is_terminated)
    }
}

pin_project! {
    /// A stream within its span, which ends with the stream or when it is dropped.
    #[must_use = "streams do nothing unless polled"]
    pub struct TracedStream<S> {
        #[pin]
        within: Within<S, Option<TaskSpan>>,
    }
}

impl<S: Stream> TracedStream<S> {
    /// Puts a stream into a span. That it is dropped before its end is nothing unusual, and not marked.
    pub fn new(span: TaskSpan, stream: S) -> TracedStream<S> {
        TracedStream {
            within: Within::new(stream, Some(span.ending_by_drop())),
        }
    }
}

impl<S: Stream> Stream for TracedStream<S> {
    type Item = S::Item;

    fn poll_next(self: Pin<&mut Self>, task: &mut task::Context<'_>) -> Poll<Option<S::Item>> {
        let (stream, span) = self.project().within.parts();
        let item = {
            let _entered = span.as_ref().map(TaskSpan::enter);
            ready!(stream.poll_next(task))
        };
        if item.is_none() {
            span.take();
        }
        Poll::Ready(item)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.within.inner().map_or((0, None), S::size_hint)
    }
}

impl<S: FusedStream> FusedStream for TracedStream<S> {
    fn is_terminated(&self) -> bool {
        self.within.inner().is_none_or(S::is_terminated)
    }
}

/// Boxes a future or stream like `Box::pin`, whatever the user calls `Box`.
pub fn boxed<T>(inner: T) -> Pin<Box<T>> {
    Box::pin(inner)
}

/// Names a future's output, where the compiler could not find it out by itself.
pub fn output<T, F: Future<Output = T>>(future: F) -> F {
    future
}
