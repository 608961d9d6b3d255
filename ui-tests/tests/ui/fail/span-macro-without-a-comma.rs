use otel_runtime::span;

fn main() {
    let n = span!("find", unsafe { 1 });
    span!("found" { drop(n) });
}
