#![deny(warnings)]

use otel_runtime::traced_span;

#[traced_span]
#[expect(unused_variables, reason = "the warning is to be there")]
fn unused(n: u32) -> Option<u32> {
    None
}

#[expect(unused_mut)]
#[traced_span]
fn never_changed(mut n: u32) -> Result<u32, String> {
    Ok(n)
}

#[traced_span]
#[expect(unreachable_code)]
async fn unreachable() -> u32 {
    ::core::future::ready(()).await;
    return 1;
    2
}

#[traced_span]
#[expect(clippy::needless_pass_by_value)]
fn by_value(text: String) -> usize {
    text.len()
}

#[traced_span]
#[expect(unused_assignments)]
fn assigned() -> u32 {
    let mut n = 1;
    n = 2;
    n
}

fn main() {
    assert_eq!(unused(1), None);
    assert_eq!(never_changed(1), Ok(1));
    drop(unreachable());
    assert_eq!(by_value("ab".to_owned()), 2);
    assert_eq!(assigned(), 2);
}
