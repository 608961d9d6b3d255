//! Makes a span current whenever a future is polled, and only then.

use std::future::Future;
use std::pin::Pin;
use std::task::{self, Poll};

use pin_project_lite::pin_project;

use super::TaskSpan;

pin_project! {
    /// The body of an async function, within its span.
    #[derive(Debug)]
    #[must_use = "futures do nothing unless polled"]
    pub struct InSpan<'a, F> {
        span: &'a TaskSpan,
        #[pin]
        future: F,
    }
}

impl<'a, F> InSpan<'a, F> {
    /// Puts a future into a span.
    pub fn new(span: &'a TaskSpan, future: F) -> InSpan<'a, F> {
        InSpan { span, future }
    }
}

impl<F: Future> Future for InSpan<'_, F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, task: &mut task::Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        let _entered = this.span.enter();
        this.future.poll(task)
    }
}
