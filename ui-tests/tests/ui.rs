//! Builds the programs in `ui/pass`, and compares what the compiler says of those in `ui/fail`.

#[test]
fn programs() {
    let tests = trybuild::TestCases::new();
    tests.pass("tests/ui/pass/*.rs");
    tests.compile_fail("tests/ui/fail/*.rs");
}
