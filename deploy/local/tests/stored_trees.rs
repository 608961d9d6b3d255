//! The trees that the services are compared with, on each path that they have, hold no keys but those that are known.

mod keys;

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

#[test]
fn every_key_in_a_stored_tree_is_known() {
    let mut files = Vec::new();
    for service in ["demo-dispo", "demo-cleaning"] {
        let trees = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("../..")
            .join(service)
            .join("tests/api/trees");
        collect(&trees, &mut files);
    }
    assert!(files.len() > 80, "{}", files.len());
    let mut keys = BTreeSet::new();
    for file in files {
        let tree = fs::read_to_string(&file).unwrap();
        let found = tree
            .lines()
            .filter_map(|line| line.trim().strip_prefix("· ")?.split_once(" = "));
        keys.extend(found.map(|(key, _)| key.to_owned()));
    }
    assert!(keys.len() > 30, "{keys:?}");
    keys.retain(|key| !keys::is_known(key));
    assert_eq!(keys, BTreeSet::new());
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, files);
        } else {
            files.push(path);
        }
    }
}
