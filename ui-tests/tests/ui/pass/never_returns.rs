#![deny(warnings)]

use otel_runtime::traced_span;

#[traced_span]
fn stop() -> ! {
    std::process::exit(0)
}

#[traced_span]
fn panics(#[allow(unused)] n: u32) -> Result<u32, String> {
    panic!("no")
}

#[traced_span]
async fn panics_later() -> Result<u32, String> {
    panic!("no")
}

#[traced_span]
async fn waits() -> ! {
    std::future::pending().await
}

#[traced_span]
fn loops(mut n: u32) -> u32 {
    loop {
        n += 1;
        if n > 3 {
            break n;
        }
    }
}

fn main() {
    assert_eq!(loops(1), 4);
    drop((panics_later(), waits()));
    assert!(std::panic::catch_unwind(|| panics(1)).is_err());
    stop()
}
