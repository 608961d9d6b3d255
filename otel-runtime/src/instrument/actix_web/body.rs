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
use crate::engine::{Around, Within};
use crate::instrument::running::Running;

/// The `error.type` of a body that ends before as many bytes have come as it had told.
const TOO_SHORT: &str = "body_too_short";

pin_project! {
    /// A response body that ends the request's span.
    #[derive(Debug)]
    pub struct TracedBody<B> {
        #[pin]
        within: Within<B, Sending>,
    }
}

/// What a body is sent in.
#[derive(Debug)]
#[allow(
    clippy::large_enum_variant,
    reason = "most bodies are traced; without metrics the variant is not that large"
)]
enum Sending {
    Untraced,
    /// There may be bytes to come; how many, where the size was told beforehand: such a body need not be polled past its end.
    Traced {
        span: Observed,
        remaining: Option<u64>,
    },
    /// The span has ended. What is left of the body is not sent, but it may be polled, and it is dropped.
    Ended(Context),
}

impl Sending {
    /// Ends the span.
    fn ended(span: Observed) -> Self {
        let context = span.span.context().clone();
        span.end();
        Self::Ended(context)
    }

    fn end(&mut self) {
        if let Self::Traced { span, .. } = std::mem::replace(self, Self::Untraced) {
            *self = Self::ended(span);
        }
    }
}

impl Around for Sending {
    type Attached = Option<<Running as Around>::Attached>;

    fn make_current(&self) -> Self::Attached {
        match self {
            Self::Untraced => None,
            Self::Traced { span, .. } => Some(span.span.make_current()),
            Self::Ended(context) => Some(context.make_current()),
        }
    }
}

impl<B: MessageBody> TracedBody<B> {
    /// Ends the span with the body, or now if there is none to be sent.
    pub(super) fn new(body: B, span: Observed, bodiless: bool) -> Self {
        let size = body.size();
        let sending = if bodiless || size.is_eof() {
            Sending::ended(span)
        } else {
            let remaining = match size {
                BodySize::Sized(bytes) => Some(bytes),
                BodySize::None | BodySize::Stream => None,
            };
            Sending::Traced { span, remaining }
        };
        Self {
            within: Within::new(body, sending),
        }
    }

    /// Just the body.
    pub(super) fn untraced(body: B) -> Self {
        Self {
            within: Within::new(body, Sending::Untraced),
        }
    }
}

impl<B: MessageBody> MessageBody for TracedBody<B> {
    type Error = B::Error;

    fn size(&self) -> BodySize {
        self.within.inner().map_or(BodySize::None, B::size)
    }

    fn poll_next(
        self: Pin<&mut Self>,
        waker: &mut Waker<'_>,
    ) -> Poll<Option<Result<Bytes, Self::Error>>> {
        let (body, sending) = self.project().within.parts();
        let Sending::Traced { span, remaining } = sending else {
            let _attached = sending.make_current();
            return body.poll_next(waker);
        };
        let chunk = ready!(span.step(|| body.poll_next(waker)));
        let ended = match &chunk {
            Some(Ok(bytes)) => {
                let sent = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
                *remaining = remaining.map(|remaining| remaining.saturating_sub(sent));
                *remaining == Some(0)
            }
            Some(Err(_)) => {
                span.fail(type_name::<B::Error>().into());
                true
            }
            None => {
                if remaining.is_some_and(|remaining| remaining > 0) {
                    span.fail(TOO_SHORT.into());
                }
                true
            }
        };
        if ended {
            sending.end();
        }
        Poll::Ready(chunk)
    }

    fn try_into_bytes(self) -> Result<Bytes, Self> {
        let (body, mut sending) = self.within.into_parts();
        match body.try_into_bytes() {
            Ok(bytes) => {
                sending.end();
                Ok(bytes)
            }
            Err(body) => Err(Self {
                within: Within::new(body, sending),
            }),
        }
    }
}
