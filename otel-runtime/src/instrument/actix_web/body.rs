//! Keeps a request's span open, and current, until its body has been sent.

use std::{
    any::type_name,
    pin::Pin,
    task::{Context as Waker, Poll, ready},
};

use actix_web::{
    body::{BodySize, MessageBody},
    web::Bytes,
};
use opentelemetry::Context;
use pin_project_lite::pin_project;

use super::observed::Observed;

pin_project! {
    /// A response body that ends the request's span.
    #[derive(Debug)]
    pub struct TracedBody<B> {
        #[pin]
        body: B,
        span: Option<Observed>,
        // Where the span has ended before the body: nobody is sent it, but it may be polled.
        after: Option<Context>,
        // Bytes still to come, where the size was told beforehand: such a body need not be polled past its end.
        remaining: Option<u64>,
    }
}

impl<B: MessageBody> TracedBody<B> {
    /// Ends the span with the body, or now if there is none to be sent.
    pub(super) fn new(body: B, span: Observed, bodiless: bool) -> Self {
        let size = body.size();
        if bodiless || size.is_eof() {
            let after = Some(span.span.context().clone());
            span.end();
            return Self {
                after,
                ..Self::untraced(body)
            };
        }
        let remaining = match size {
            BodySize::Sized(bytes) => Some(bytes),
            BodySize::None | BodySize::Stream => None,
        };
        Self {
            body,
            span: Some(span),
            after: None,
            remaining,
        }
    }

    /// Just the body.
    pub(super) fn untraced(body: B) -> Self {
        Self {
            body,
            span: None,
            after: None,
            remaining: None,
        }
    }
}

impl<B: MessageBody> MessageBody for TracedBody<B> {
    type Error = B::Error;

    fn size(&self) -> BodySize {
        self.body.size()
    }

    fn poll_next(
        self: Pin<&mut Self>,
        waker: &mut Waker<'_>,
    ) -> Poll<Option<Result<Bytes, Self::Error>>> {
        let this = self.project();
        let Some(span) = this.span else {
            let _within = this.after.clone().map(Context::attach);
            return this.body.poll_next(waker);
        };
        let chunk = ready!(span.step(|| this.body.poll_next(waker)));
        let ended = match &chunk {
            Some(Ok(bytes)) => {
                let sent = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
                *this.remaining = this
                    .remaining
                    .map(|remaining| remaining.saturating_sub(sent));
                *this.remaining == Some(0)
            }
            Some(Err(_)) => {
                span.fail(type_name::<B::Error>().into());
                true
            }
            None => true,
        };
        if ended && let Some(span) = this.span.take() {
            span.end();
        }
        Poll::Ready(chunk)
    }

    fn try_into_bytes(self) -> Result<Bytes, Self> {
        let Self {
            body,
            span,
            after,
            remaining,
        } = self;
        match body.try_into_bytes() {
            Ok(bytes) => {
                if let Some(span) = span {
                    span.end();
                }
                Ok(bytes)
            }
            Err(body) => Err(Self {
                body,
                span,
                after,
                remaining,
            }),
        }
    }
}
