#![deny(warnings)]

use otel_runtime::traced_span;

#[traced_span]
#[unsafe(no_mangle)]
extern "C" fn otel_ui_tests_add(a: i32, b: i32) -> i32 {
    a + b
}

mod foreign {
    unsafe extern "C" {
        pub safe fn otel_ui_tests_add(a: i32, b: i32) -> i32;
    }
}

#[traced_span]
extern "system" fn system(callback: extern "C" fn(i32, i32) -> i32) -> i32 {
    callback(1, 2)
}

#[traced_span]
extern "C" fn without_a_result() {}

fn main() {
    assert_eq!(foreign::otel_ui_tests_add(1, 2), 3);
    let system: extern "system" fn(extern "C" fn(i32, i32) -> i32) -> i32 = system;
    assert_eq!(system(otel_ui_tests_add), 3);
    without_a_result();
}
