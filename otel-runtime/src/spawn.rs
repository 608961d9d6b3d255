//! Tokio tasks that keep the current context: their spans become children of the span that was current.

use std::future::Future;

use opentelemetry::trace::FutureExt as _;
use tokio::task::JoinHandle;

use crate::context::carry;

/// Spawns a task on the current Tokio runtime, in the context that is current now.
///
/// The span that is current here need not outlive the task.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// use otel_runtime::traced_span;
///
/// #[traced_span]
/// async fn child() {}
///
/// #[traced_span]
/// async fn parent() {
///     otel_runtime::spawn(child()).await.expect("the task ends well");
/// }
/// # parent().await;
/// # }
/// ```
///
/// # Panics
///
/// As [`tokio::spawn`]: outside of a Tokio runtime.
#[track_caller]
pub fn spawn<F>(future: F) -> JoinHandle<F::Output>
where
    F: Future<Output: Send + 'static> + Send + 'static,
{
    tokio::spawn(future.with_current_context())
}

/// Runs blocking work on Tokio's blocking threads, in the context that is current now.
///
/// # Panics
///
/// As [`tokio::task::spawn_blocking`]: outside of a Tokio runtime.
#[track_caller]
pub fn spawn_blocking<F, T>(work: F) -> JoinHandle<T>
where
    F: FnOnce() -> T + Send + 'static,
    T: Send + 'static,
{
    tokio::task::spawn_blocking(carry(work))
}
