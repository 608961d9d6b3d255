//! The table in the crate's documentation names tests that there are.

#[path = "../../ui-tests/tests/sources/mod.rs"]
mod sources;

use std::path::Path;

use sources::sources;

const TABLE: &str = include_str!("../src/reference.md");

/// Where the tests are, from this package.
const FOLDERS: [&str; 4] = [
    "tests",
    "../demo-cleaning/tests",
    "../otel-runtime/tests",
    "../deploy/local/tests",
];

/// What the original does, and the tests that are named beside it.
fn rows() -> Vec<(&'static str, Vec<&'static str>)> {
    let rows = TABLE.lines().filter_map(|line| {
        let mut columns = line.strip_prefix("| ")?.split(" | ");
        let (original, tests) = (columns.next()?, columns.next()?);
        Some((original, tests.split('`').skip(1).step_by(2).collect()))
    });
    // Without the heading.
    rows.skip(1).collect()
}

#[test]
fn every_row_names_tests_that_are_there() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let sources: String = FOLDERS
        .iter()
        .map(|folder| sources(&here.join(folder)))
        .collect();
    let rows = rows();
    assert!(rows.len() > 20, "{}", rows.len());
    for (original, tests) in rows {
        assert!(!tests.is_empty(), "no test shows: {original}");
        for test in tests {
            let is_there = sources.contains(&format!("fn {test}()"));
            assert!(is_there, "`{test}`, named for: {original}");
        }
    }
}
