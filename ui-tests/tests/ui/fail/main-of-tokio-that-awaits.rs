/// Does to a body what `#[tokio::main]` does.
macro_rules! tokio_main {
    ($(#[$attr:meta])* fn $name:ident() $body:block) => {
        $(#[$attr])*
        fn $name() {
            let body = async $body;
            drop(body);
        }
    };
}

async fn set_up() {}

tokio_main! {
    #[otel_runtime::traced_span]
    fn main() {
        #[traced_span("set.up")]
        set_up().await;
    }
}
