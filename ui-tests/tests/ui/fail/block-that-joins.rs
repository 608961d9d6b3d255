use otel_runtime::traced_span;

macro_rules! join {
    ($($future:expr),*) => {
        ($($future.await),*)
    };
}

mod tokio {
    pub(crate) use join;
}

#[traced_span]
async fn find() {
    let task = async {
        #[traced_span("both")]
        {
            tokio::join!(std::future::ready(1), std::future::ready(2));
        }
    };
    task.await;
}

async fn elsewhere() {
    otel_runtime::span!("both", {
        tokio::join!(std::future::ready(1), std::future::ready(2));
    });
}

fn main() {
    drop((find(), elsewhere()));
}
