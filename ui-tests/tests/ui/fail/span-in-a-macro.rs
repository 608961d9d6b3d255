use otel_runtime::traced_span;

macro_rules! twice {
    ($($body:tt)*) => {
        $($body)*
        $($body)*
    };
}

#[traced_span]
fn find(ids: &mut Vec<u32>) {
    twice! {
        #[traced_span("push")]
        {
            ids.push(1);
        }
    }
}

fn main() {
    find(&mut Vec::new());
}
