//! Futures and streams that a function hands out, with a span that lasts as long as they do.

use std::future::Future;
use std::pin::Pin;
use std::task::{self, Poll, ready};

use futures_core::future::FusedFuture;
use futures_core::stream::{FusedStream, Stream};
use pin_project_lite::pin_project;

use super::within::{Around, Within};
use super::{Entered, TaskSpan};

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
    /// None as long as it has not started.
    span: Option<TaskSpan>,
    record: E,
}

impl<E> Around for Recorded<E> {
    type Attached = Option<<TaskSpan as Around>::Attached>;

    fn make_current(&self) -> Self::Attached {
        self.span.make_current()
    }
}

impl<E> Recorded<E> {
    fn enter(&self) -> Option<Entered<'_>> {
        self.span.as_ref().map(TaskSpan::enter)
    }
}

impl<F, E> TracedFuture<F, E>
where
    F: Future,
    E: FnOnce(&TaskSpan, &F::Output),
{
    /// Puts a future into a span; `record` sees what it comes to.
    pub fn new(span: TaskSpan, future: F, record: E) -> TracedFuture<F, E> {
        let span = Some(span);
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
            let _entered = end.as_ref().map(Recorded::enter);
            ready!(future.poll(task))
        };
        let end = end.take();
        Poll::Ready(ended(within, end, output))
    }
}

/// Records what came of a future, and ends its span.
fn ended<T, E, O>(
    within: Pin<&mut Within<T, Option<Recorded<E>>>>,
    end: Option<Recorded<E>>,
    output: O,
) -> O
where
    E: FnOnce(&TaskSpan, &O),
{
    if let Some(Recorded {
        span: Some(span),
        record,
    }) = end
    {
        {
            let _entered = span.enter();
            within.clear();
            record(&span, &output);
        }
        span.finish();
    }
    output
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
    /// A future that is made together with its span, when it is polled first: what the span starts with can be borrowed from what the
    /// future will own, which is held once.
    #[must_use = "futures do nothing unless polled"]
    pub struct LazyFuture<M, F, E> {
        #[pin]
        within: Within<Lazy<M, F>, Option<Recorded<E>>>,
    }
}

pin_project! {
    #[project = LazyProjection]
    enum Lazy<M, F> {
        Planned { make: Option<M> },
        Made { #[pin] future: F },
    }
}

impl<M, F> Lazy<M, F>
where
    M: FnOnce() -> (TaskSpan, F),
{
    /// Makes the future; the answer is its span. It is moved here, and not where it is polled, which would keep room for it on the
    /// stack meanwhile.
    #[inline(never)]
    fn make(mut self: Pin<&mut Self>) -> TaskSpan {
        let make = match self.as_mut().project() {
            LazyProjection::Planned { make } => make.take(),
            LazyProjection::Made { .. } => None,
        };
        let make = make.expect("what has panicked is not polled again");
        let (span, future) = make();
        self.set(Lazy::Made { future });
        span
    }
}

impl<M, F, E> LazyFuture<M, F, E>
where
    M: FnOnce() -> (TaskSpan, F),
    F: Future,
    E: FnOnce(&TaskSpan, &F::Output),
{
    /// Plans a future and its span; `record` sees what it comes to.
    pub fn new(make: M, record: E) -> LazyFuture<M, F, E> {
        let (planned, span) = (Lazy::Planned { make: Some(make) }, None);
        LazyFuture {
            within: Within::new(planned, Some(Recorded { span, record })),
        }
    }
}

impl<M, F, E> Future for LazyFuture<M, F, E>
where
    M: FnOnce() -> (TaskSpan, F),
    F: Future,
    E: FnOnce(&TaskSpan, &F::Output),
{
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, task: &mut task::Context<'_>) -> Poll<F::Output> {
        let mut within = self.project().within;
        let (mut lazy, end) = within.as_mut().parts();
        if let LazyProjection::Planned { .. } = lazy.as_mut().project() {
            let span = lazy.as_mut().make();
            if let Some(end) = end {
                end.span = Some(span);
            }
        }
        let output = {
            let _entered = end.as_ref().map(Recorded::enter);
            match lazy.project() {
                LazyProjection::Made { future } => ready!(future.poll(task)),
                LazyProjection::Planned { .. } => unreachable!("it was just made"),
            }
        };
        let end = end.take();
        Poll::Ready(ended(within, end, output))
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
