//! The sources that the tables of tests are held against; also for `demo-dispo`.

use std::fs;
use std::path::Path;

/// All Rust files below a folder, one after the other.
pub(crate) fn sources(folder: &Path) -> String {
    let mut text = String::new();
    for entry in fs::read_dir(folder).expect("the folder is there") {
        let path = entry.expect("the folder can be read").path();
        if path.is_dir() {
            text += &sources(&path);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            text += &fs::read_to_string(&path).expect("the file is text");
        }
    }
    text
}
