//! Makes a span current whenever a future is polled, or dropped before it is ready, and only then.

use std::future::Future;
use std::pin::Pin;
use std::task::{self, Poll, ready};

use pin_project_lite::pin_project;

use super::TaskSpan;
use super::within::Within;

pin_project! {
    /// The body of an async function, within its span.
    #[derive(Debug)]
    #[must_use = "futures do nothing unless polled"]
    pub struct InSpan<'a, F> {
        #[pin]
        within: Within<F, &'a TaskSpan>,
    }
}

impl<'a, F> InSpan<'a, F> {
    /// Puts a future into a span.
    pub fn new(span: &'a TaskSpan, future: F) -> InSpan<'a, F> {
        InSpan {
            within: Within::new(future, span),
        }
    }
}

impl<F: Future> Future for InSpan<'_, F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, task: &mut task::Context<'_>) -> Poll<F::Output> {
        let mut within = self.project().within;
        let (future, span) = within.as_mut().parts();
        let _entered = span.enter();
        let output = ready!(future.poll(task));
        within.clear();
        Poll::Ready(output)
    }
}
