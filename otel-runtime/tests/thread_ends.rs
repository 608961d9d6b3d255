//! What is annotated may be called by the destructors of thread-locals, when OpenTelemetry's own is gone.

use otel_runtime::testing::Spans;
use otel_runtime::traced_span;

#[traced_span]
fn leaf() {}

#[traced_span]
async fn later() {
    #[traced_span("part")]
    {
        std::future::ready(()).await;
    }
}

struct Late;

impl Drop for Late {
    fn drop(&mut self) {
        leaf();
        let mut future = std::pin::pin!(later());
        let waker = std::task::Waker::noop();
        let poll = future
            .as_mut()
            .poll(&mut std::task::Context::from_waker(waker));
        assert!(poll.is_ready());
        let carried = otel_runtime::context::carry(|| 7);
        assert_eq!(carried(), 7);
    }
}

thread_local! {
    static LATE: Late = const { Late };
}

#[test]
fn a_call_while_thread_locals_are_destroyed_does_what_it_should() {
    let spans = Spans::install();
    std::thread::spawn(|| {
        // Touched first, so that it is destroyed after OpenTelemetry's.
        LATE.with(|_| ());
        leaf();
    })
    .join()
    .expect("the thread ends well");
    // Whether there is a span of what is called then is not demanded.
    assert!(spans.tree().starts_with("INTERNAL leaf"));
}
