#![deny(warnings)]

use std::pin::Pin;
use std::task::{Context, Poll, Wake};

use futures_util::stream::{Stream, StreamExt as _};
use futures_util::{FutureExt as _, Sink, SinkExt as _};
use otel_runtime::{span_attr, traced_span};

struct Countdown(u32);

impl Future for Countdown {
    type Output = Result<u32, String>;

    #[traced_span("countdown.poll")]
    #[span_attr("left" = self.0)]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        if self.0 == 0 {
            return Poll::Ready(Ok(7));
        }
        self.0 -= 1;
        cx.waker().wake_by_ref();
        self.poll(cx)
    }
}

#[traced_span]
impl Stream for Countdown {
    type Item = u32;

    fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<u32>> {
        let Some(left) = self.0.checked_sub(1) else { return Poll::Ready(None) };
        self.0 = left;
        Poll::Ready(Some(left))
    }
}

#[traced_span]
impl Sink<u32> for Countdown {
    type Error = String;

    fn poll_ready(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn start_send(mut self: Pin<&mut Self>, item: u32) -> Result<(), String> {
        self.0 = self.0.checked_add(item).ok_or("too large")?;
        Ok(())
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<(), String>> {
        Poll::Ready(Ok(()))
    }

    fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<(), String>> {
        Poll::Ready(Ok(()))
    }
}

struct Quiet;

#[traced_span]
impl Wake for Quiet {
    fn wake(self: std::sync::Arc<Self>) {}
}

fn main() {
    assert_eq!(Countdown(3).now_or_never(), Some(Ok(7)));
    assert_eq!(Countdown(3).collect::<Vec<_>>().now_or_never(), Some(vec![2, 1, 0]));
    let mut sink = Countdown(1);
    assert_eq!(sink.send(2).now_or_never(), Some(Ok(())));
    assert_eq!(sink.0, 3);
    std::sync::Arc::new(Quiet).wake();
}
