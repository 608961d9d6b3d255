//! Futures and streams that a function hands out, with a span that lasts as long as they do.

use std::cell::Cell;
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
        within: Within<F, Recorded<E>>,
    }
}

/// A future's span, and what records how it ends.
enum Recorded<E> {
    /// The future has not been polled, and starts its span itself.
    NotStarted(E),
    Started(TaskSpan, E),
    Ended,
}

impl<E> Recorded<E> {
    fn span(&self) -> Option<&TaskSpan> {
        match self {
            Self::Started(span, _) => Some(span),
            Self::NotStarted(_) | Self::Ended => None,
        }
    }

    fn take(&mut self) -> Self {
        std::mem::replace(self, Self::Ended)
    }

    /// With the span that the future has started; at the end of a thread there is none.
    fn started(self) -> Self {
        match (self, HANDED_OVER.try_with(Cell::take)) {
            (Self::NotStarted(record), Ok(Some(span))) => Self::Started(span, record),
            _ => Self::Ended,
        }
    }
}

impl<E> Around for Recorded<E> {
    type Attached = Option<<TaskSpan as Around>::Attached>;

    fn make_current(&self) -> Self::Attached {
        self.span().map(TaskSpan::make_current)
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
            within: Within::new(future, Recorded::Started(span, record)),
        }
    }

    /// Puts a future into the span that it starts itself, so that this can borrow what the future owns. The first thing
    /// that it awaits is [`hand_over`].
    pub fn starting(future: F, record: E) -> TracedFuture<F, E> {
        TracedFuture {
            within: Within::new(future, Recorded::NotStarted(record)),
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
        let (mut future, recorded) = within.as_mut().parts();
        if let Recorded::NotStarted(_) = recorded {
            let handed_over = future.as_mut().poll(task);
            *recorded = recorded.take().started();
            if let Poll::Ready(output) = handed_over {
                return Poll::Ready(output);
            }
        }
        let output = {
            let _entered = recorded.span().map(TaskSpan::enter);
            ready!(future.poll(task))
        };
        if let Recorded::Started(span, record) = recorded.take() {
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

thread_local! {
    /// The span that a future has just started, on its way to the [`TracedFuture`] which polls it.
    static HANDED_OVER: Cell<Option<TaskSpan>> = const { Cell::new(None) };
}

/// Hands a span over to the [`TracedFuture::starting`] that polls this, which goes on at once.
pub fn hand_over(span: TaskSpan) -> HandOver {
    let mut span = Some(span);
    // At the end of a thread it is dropped.
    let _ = HANDED_OVER.try_with(|handed_over| handed_over.set(span.take()));
    HandOver { is_done: false }
}

/// Pauses once; see [`hand_over`].
#[derive(Debug)]
#[must_use = "futures do nothing unless polled"]
pub struct HandOver {
    is_done: bool,
}

impl Future for HandOver {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, _: &mut task::Context<'_>) -> Poll<()> {
        if std::mem::replace(&mut self.is_done, true) {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
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
