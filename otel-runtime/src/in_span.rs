//! Spans around futures and streams that somebody else made.

use std::borrow::Cow;
use std::future::Future;
use std::pin::Pin;
use std::task::{self, Poll, ready};

use futures_core::future::FusedFuture;
use futures_core::stream::{FusedStream, Stream};
use pin_project_lite::pin_project;

use crate::engine::{Around, TaskSpan, Within, start_named};

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
    /// It is current whenever the future is polled or dropped. It ends when the future is ready or the stream is at its end; a future
    /// that is dropped before marks it as [`CANCELLED`](crate::CANCELLED). Without a poll there is no span. What the
    /// future comes to is not looked at: an `Err` leaves the status unset.
    ///
    /// The span's instrumentation scope is `otel-runtime`, not the crate that calls this. It has no site: it is not among
    /// [`sites`](crate::sites()), and no rule switches it off.
    fn in_span(self, name: impl Into<Cow<'static, str>>) -> Spanned<Self> {
        Spanned {
            within: Within::new(self, Spanning::Named(name.into())),
        }
    }
}

impl<T> InSpan for T {}

pin_project! {
    /// A future or stream within a span; see [`InSpan::in_span`].
    #[must_use = "it does nothing unless polled"]
    pub struct Spanned<T> {
        #[pin]
        within: Within<T, Spanning>,
    }
}

/// A span that is made when it is needed.
enum Spanning {
    /// There was no poll; the span will have this name.
    Named(Cow<'static, str>),
    Started(TaskSpan),
    Ended,
}

impl Spanning {
    /// The span, as long as it has not ended; the first time it is started.
    fn started(&mut self, start: impl FnOnce(Cow<'static, str>) -> TaskSpan) -> Option<&TaskSpan> {
        if let Self::Named(name) = self {
            *self = Self::Started(start(std::mem::take(name)));
        }
        match self {
            Self::Started(span) => Some(span),
            Self::Named(_) | Self::Ended => None,
        }
    }

    fn finish(self) {
        if let Self::Started(span) = self {
            span.finish();
        }
    }
}

impl Around for Spanning {
    type Attached = Option<<TaskSpan as Around>::Attached>;

    fn make_current(&self) -> Self::Attached {
        match self {
            Self::Started(span) => Some(span.make_current()),
            Self::Named(_) | Self::Ended => None,
        }
    }
}

impl<F: Future> Future for Spanned<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, task: &mut task::Context<'_>) -> Poll<F::Output> {
        let mut within = self.project().within;
        let (future, span) = within.as_mut().parts();
        let output = {
            let _entered = span.started(start_named).map(TaskSpan::enter);
            ready!(future.poll(task))
        };
        let span = std::mem::replace(span, Spanning::Ended);
        {
            let _current = span.make_current();
            within.clear();
        }
        span.finish();
        Poll::Ready(output)
    }
}

impl<F: FusedFuture> FusedFuture for Spanned<F> {
    fn is_terminated(&self) -> bool {
        self.within.inner().is_none_or(F::is_terminated)
    }
}

impl<S: Stream> Stream for Spanned<S> {
    type Item = S::Item;

    fn poll_next(self: Pin<&mut Self>, task: &mut task::Context<'_>) -> Poll<Option<S::Item>> {
        let (stream, span) = self.project().within.parts();
        let item = {
            let start = |name| start_named(name).ending_by_drop();
            let _entered = span.started(start).map(TaskSpan::enter);
            ready!(stream.poll_next(task))
        };
        if item.is_none() {
            std::mem::replace(span, Spanning::Ended).finish();
        }
        Poll::Ready(item)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.within.inner().map_or((0, None), S::size_hint)
    }
}

impl<S: FusedStream> FusedStream for Spanned<S> {
    fn is_terminated(&self) -> bool {
        self.within.inner().is_none_or(S::is_terminated)
    }
}
