//! Spans around futures and streams that somebody else made.

use std::borrow::Cow;
use std::future::Future;
use std::pin::Pin;
use std::task::{self, Poll, ready};

use futures_core::Stream;
use pin_project_lite::pin_project;

use crate::engine::{TaskSpan, start_named};

/// Puts a future or a stream into a span, where no attribute reaches.
///
/// ```
/// use otel_runtime::InSpan as _;
///
/// async fn example() -> u32 {
///     std::future::ready(7).in_span("seven").await
/// }
/// # drop(example());
/// ```
pub trait InSpan: Sized {
    /// A span of this name around the future or stream, as a child of the span that is current at the first poll.
    ///
    /// It is current whenever the future is polled. It ends when the future is ready or the stream is at its end; a future
    /// that is dropped before marks it as [`CANCELLED`](crate::CANCELLED). Without a poll there is no span. What the
    /// future comes to is not looked at: an `Err` leaves the status unset.
    fn in_span(self, name: impl Into<Cow<'static, str>>) -> Spanned<Self> {
        Spanned {
            inner: self,
            name: Some(name.into()),
            span: None,
        }
    }
}

impl<T> InSpan for T {}

pin_project! {
    /// A future or stream within a span; see [`InSpan::in_span`].
    #[must_use = "it does nothing unless polled"]
    pub struct Spanned<T> {
        // Dropped before the span ends, so that what it drops is still within it.
        #[pin]
        inner: T,
        // Taken at the first poll.
        name: Option<Cow<'static, str>>,
        // There from the first poll to the end.
        span: Option<TaskSpan>,
    }
}

impl<F: Future> Future for Spanned<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, task: &mut task::Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        if let Some(name) = this.name.take() {
            *this.span = Some(start_named(name));
        }
        let output = {
            let _entered = this.span.as_ref().map(TaskSpan::enter);
            ready!(this.inner.poll(task))
        };
        if let Some(span) = this.span.take() {
            span.finish();
        }
        Poll::Ready(output)
    }
}

impl<S: Stream> Stream for Spanned<S> {
    type Item = S::Item;

    fn poll_next(self: Pin<&mut Self>, task: &mut task::Context<'_>) -> Poll<Option<S::Item>> {
        let this = self.project();
        if let Some(name) = this.name.take() {
            *this.span = Some(start_named(name).ending_by_drop());
        }
        let item = {
            let _entered = this.span.as_ref().map(TaskSpan::enter);
            ready!(this.inner.poll_next(task))
        };
        if item.is_none() {
            this.span.take();
        }
        Poll::Ready(item)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.inner.size_hint()
    }
}
