#![deny(warnings)]

use std::borrow::Cow;
use std::path::Path;

use otel_runtime::{span_attr, traced_span};

#[derive(Debug)]
struct Room;

#[traced_span]
#[span_attr(
    yes = true,
    small = 1_u8,
    large = u64::MAX,
    huge = i128::MIN,
    size = 1_usize,
    float = 1.5_f32,
    letter = 'x',
    text = "text",
    owned = String::from("owned"),
    cow = Cow::from("cow"),
    some = Some(1),
    none = None::<&str>,
    list = [1, 2],
    slice = slice,
    texts = vec!["a"],
    owned_texts = &[String::new()],
    reference = &&1,
    shown = %path.display(),
    debugged = ?Room,
    negative = -1,
    sum = 1 + 2,
    block = { 1 },
    r#type = 1,
)]
fn values(slice: &[f64], path: &Path) {
    let _ = (slice, path);
}

fn main() {
    values(&[1.0], Path::new("/"));
}
