//! Futures and streams that a function hands out, with a span that lasts as long as they do.

use std::future::Future;
use std::pin::Pin;
use std::task::{self, Poll, ready};
use std::thread;

use futures_core::Stream;
use opentelemetry::ContextGuard;
use pin_project_lite::pin_project;

use super::TaskSpan;

pin_project! {
    /// A future within its span, which ends when the future is ready or dropped.
    #[must_use = "futures do nothing unless polled"]
    pub struct TracedFuture<F, E> {
        // Dropped before the span ends, so that what it drops is still within it.
        #[pin]
        future: F,
        end: Option<(TaskSpan, E)>,
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
            future,
            end: Some((span, record)),
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
        let this = self.project();
        let output = {
            let open = Open::new(this.end);
            let _current = open.enter(|(span, _)| span);
            ready!(this.future.poll(task))
        };
        if let Some((span, record)) = this.end.take() {
            record(&span, &output);
            span.finish();
        }
        Poll::Ready(output)
    }
}

pin_project! {
    /// A stream within its span, which ends with the stream or when it is dropped.
    #[must_use = "streams do nothing unless polled"]
    pub struct TracedStream<S> {
        #[pin]
        stream: S,
        span: Option<TaskSpan>,
    }
}

impl<S: Stream> TracedStream<S> {
    /// Puts a stream into a span. That it is dropped before its end is nothing unusual, and not marked.
    pub fn new(span: TaskSpan, stream: S) -> TracedStream<S> {
        TracedStream {
            stream,
            span: Some(span.ending_by_drop()),
        }
    }
}

impl<S: Stream> Stream for TracedStream<S> {
    type Item = S::Item;

    fn poll_next(self: Pin<&mut Self>, task: &mut task::Context<'_>) -> Poll<Option<S::Item>> {
        let this = self.project();
        let item = {
            let open = Open::new(this.span);
            let _current = open.enter(|span| span);
            ready!(this.stream.poll_next(task))
        };
        if item.is_none() {
            this.span.take();
        }
        Poll::Ready(item)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.stream.size_hint()
    }
}

/// Lets a span end at once when a poll panics: the future itself may live on for long, and be dropped in peace.
pub(crate) struct Open<'a, T> {
    span: &'a mut Option<T>,
    was_panicking: bool,
}

impl<'a, T> Open<'a, T> {
    pub(crate) fn new(span: &'a mut Option<T>) -> Open<'a, T> {
        Open {
            span,
            was_panicking: thread::panicking(),
        }
    }

    pub(crate) fn enter(&self, span: impl FnOnce(&T) -> &TaskSpan) -> Option<ContextGuard> {
        span(self.span.as_ref()?).enter()
    }
}

impl<T> Drop for Open<'_, T> {
    fn drop(&mut self) {
        if thread::panicking() && !self.was_panicking {
            self.span.take();
        }
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
