//! Work that leaves the thread or the task.

use otel_runtime::traced_span;

use super::{async_child, leaf, record};

#[test]
fn work_on_another_thread_keeps_its_parent() {
    #[traced_span]
    fn hands_over() {
        let work = otel_runtime::context::carry(leaf);
        std::thread::spawn(work)
            .join()
            .expect("the thread ends well");
    }
    let recorded = record();
    hands_over();
    recorded.check(&["INTERNAL hands_over", "  INTERNAL leaf"]);
}

#[test]
fn tasks_keep_their_parent() {
    #[traced_span]
    async fn spawns() {
        let task = otel_runtime::spawn(async_child());
        task.await.expect("the task ends well");
        let work = otel_runtime::spawn_blocking(leaf);
        work.await.expect("the work ends well");
    }
    let recorded = record();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .expect("a runtime");
    runtime.block_on(spawns());
    recorded.check(&[
        "INTERNAL spawns",
        "  INTERNAL child",
        "    INTERNAL leaf",
        "  INTERNAL leaf",
    ]);
}
