//! Work that leaves the thread or the task.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread;

use otel_runtime::context::carry;
use otel_runtime::{CANCELLED, traced_span};

use super::{async_child, block_on, current_span, leaf, pause, record};

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
fn work_that_is_not_carried_has_no_parent() {
    #[traced_span]
    fn hands_over() {
        thread::spawn(leaf).join().expect("the thread ends well");
    }
    let recorded = record();
    hands_over();
    recorded.check(&["INTERNAL hands_over", "INTERNAL leaf"]);
}

#[test]
fn scoped_threads_keep_their_parent() {
    #[traced_span(name = name)]
    fn works(name: &'static str) {
        leaf();
    }
    #[traced_span]
    fn fans_out() {
        let names = ["a", "b"];
        thread::scope(|scope| {
            for name in &names {
                // One after the other, so that the tree is the same each time.
                let thread = scope.spawn(carry(|| works(name)));
                thread.join().expect("the thread ends well");
            }
        });
        leaf();
    }
    let recorded = record();
    fans_out();
    recorded.check(&[
        "INTERNAL fans_out",
        "  INTERNAL a",
        "    INTERNAL leaf",
        "  INTERNAL b",
        "    INTERNAL leaf",
        "  INTERNAL leaf",
    ]);
}

#[test]
fn a_thread_has_its_own_context_again_after_carried_work() {
    #[traced_span]
    fn carries(work: impl FnOnce() + Send + 'static) -> impl FnOnce() + Send {
        carry(work)
    }
    let recorded = record();
    let (good, bad) = (carries(leaf), carries(|| panic!("on purpose")));
    thread::spawn(move || {
        let before = current_span();
        good();
        assert_eq!(current_span(), before);
        assert!(catch_unwind(AssertUnwindSafe(bad)).is_err());
        assert_eq!(current_span(), before);
        leaf();
    })
    .join()
    .expect("the thread ends well");
    recorded.check(&[
        "INTERNAL carries",
        "  INTERNAL leaf",
        "INTERNAL carries",
        "INTERNAL leaf",
    ]);
}

#[test]
fn a_pool_of_threads_keeps_the_parent_of_its_work() {
    #[traced_span]
    fn in_pool(pool: &rayon::ThreadPool) {
        // Carried here: the closures given to the pool run in its threads already.
        let [left, right, spawned] = [(); 3].map(|()| carry(leaf));
        pool.install(|| rayon::join(left, right));
        pool.scope(|scope| scope.spawn(|_| spawned()));
    }
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(2)
        .build()
        .expect("a pool");
    let recorded = record();
    in_pool(&pool);
    let of_pool = pool.broadcast(|_| current_span());
    assert!(of_pool.iter().all(|span| *span == current_span()));
    recorded.check(&[
        "INTERNAL in_pool",
        "  INTERNAL leaf",
        "  INTERNAL leaf",
        "  INTERNAL leaf",
    ]);
}

fn tokio() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread()
        .build()
        .expect("a runtime")
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
    tokio().block_on(spawns());
    recorded.check(&[
        "INTERNAL spawns",
        "  INTERNAL child",
        "    INTERNAL leaf",
        "  INTERNAL leaf",
    ]);
}

#[test]
fn tasks_on_several_threads_keep_their_parent() {
    #[traced_span]
    async fn spawns() {
        let tasks = [(); 2].map(|()| otel_runtime::spawn(async_child()));
        for task in tasks {
            task.await.expect("the task ends well");
        }
    }
    let recorded = record();
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .build()
        .expect("a runtime")
        .block_on(spawns());
    recorded.check(&[
        "INTERNAL spawns",
        "  INTERNAL child",
        "    INTERNAL leaf",
        "  INTERNAL child",
        "    INTERNAL leaf",
    ]);
}

#[test]
fn a_task_that_is_not_carried_has_no_parent() {
    #[traced_span]
    async fn spawns() {
        let task = tokio::spawn(async_child());
        task.await.expect("the task ends well");
    }
    let recorded = record();
    tokio().block_on(spawns());
    recorded.check(&["INTERNAL spawns", "INTERNAL child", "  INTERNAL leaf"]);
}

#[test]
fn a_task_may_outlive_its_parent() {
    #[traced_span]
    fn starts() -> tokio::task::JoinHandle<()> {
        otel_runtime::spawn(async_child())
    }
    let recorded = record();
    tokio().block_on(async {
        let task = starts();
        recorded.check(&["INTERNAL starts"]);
        task.await.expect("the task ends well");
    });
    recorded.check(&["INTERNAL starts", "  INTERNAL child", "    INTERNAL leaf"]);
}

#[test]
fn a_panic_of_a_task_is_its_own() {
    #[traced_span]
    async fn panics() {
        pause().await;
        panic!("on purpose");
    }
    #[traced_span]
    async fn spawns() {
        let task = otel_runtime::spawn(panics());
        assert!(task.await.is_err());
        let work = otel_runtime::spawn_blocking(|| block_on(panics()));
        assert!(work.await.is_err());
    }
    let recorded = record();
    tokio().block_on(spawns());
    recorded.check(&[
        "INTERNAL spawns",
        "  INTERNAL panics ERROR",
        "  INTERNAL panics ERROR",
    ]);
}

#[test]
fn an_aborted_task_is_cancelled() {
    #[traced_span]
    async fn waits() {
        std::future::pending::<()>().await;
    }
    let recorded = record();
    tokio().block_on(async {
        let task = otel_runtime::spawn(waits());
        // Lets the task be polled once.
        tokio::task::yield_now().await;
        task.abort();
        assert!(task.await.expect_err("aborted").is_cancelled());
    });
    recorded.check_attributes(&["INTERNAL waits", &format!("    · {CANCELLED} = true")]);
}

#[test]
fn blocking_work_of_actix_keeps_its_parent() {
    #[traced_span]
    async fn handles() {
        let work = actix_web::web::block(carry(leaf));
        work.await.expect("the work ends well");
    }
    let recorded = record();
    actix_web::rt::System::new().block_on(handles());
    recorded.check(&["INTERNAL handles", "  INTERNAL leaf"]);
}
