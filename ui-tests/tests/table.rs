//! The table in the crate's documentation names what there is.

mod sources;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use sources::sources;

const TABLE: &str = include_str!("../src/behaviours.md");

fn folder(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// The names in backticks in the second column, under one heading.
fn named(heading: &str) -> BTreeSet<&'static str> {
    let (_, section) = TABLE
        .split_once(&format!("## {heading}\n"))
        .expect("the heading is there");
    let section = section.split("\n## ").next().unwrap_or_default();
    section
        .lines()
        .filter_map(|line| line.strip_suffix(" |")?.rsplit_once(" | "))
        .flat_map(|(_, names)| names.split('`').skip(1).step_by(2))
        .collect()
}

fn programs(kind: &str) -> BTreeSet<String> {
    let files = fs::read_dir(folder("tests/ui").join(kind)).expect("the folder is there");
    files
        .map(|file| file.expect("the folder can be read").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "rs"))
        .filter_map(|path| Some(path.file_stem()?.to_str()?.to_owned()))
        .collect()
}

#[test]
fn every_program_is_named() {
    for (heading, kind) in [
        (
            "Must build, and mean the same as without the attribute",
            "pass",
        ),
        ("Must be refused", "fail"),
    ] {
        let named: BTreeSet<_> = named(heading).into_iter().map(str::to_owned).collect();
        let programs = programs(kind);
        let missing: Vec<_> = programs.difference(&named).collect();
        let unknown: Vec<_> = named.difference(&programs).collect();
        assert!(
            missing.is_empty() && unknown.is_empty(),
            "not named: {missing:?}; not there: {unknown:?}"
        );
    }
}

#[test]
fn every_test_that_is_named_is_there() {
    let runtime = folder("../otel-runtime");
    let sources = sources(&runtime.join("tests")) + &sources(&runtime.join("src/provider"));
    let named = named("Must be recorded right");
    assert!(named.len() > 90, "{}", named.len());
    let missing: Vec<_> = named
        .into_iter()
        .filter(|name| !sources.contains(&format!("fn {name}()")))
        .collect();
    assert_eq!(missing, Vec::<&str>::new());
}
