#![deny(warnings)]

use otel_runtime::traced_span;

struct Point {
    x: i32,
    y: i32,
}

#[traced_span]
fn patterns((a, mut b): (i32, i32), Point { x, y: _ }: Point, [first, ..]: [i32; 3], _: String, &c: &i128) -> Option<i32> {
    b += 1;
    Some(a + b + x + first + i32::try_from(c).ok()?)
}

#[traced_span]
async fn async_patterns((a, _): (String, String), Point { y, .. }: Point, _: i32, mut n: i32) -> Result<String, ()> {
    n += y;
    Ok(format!("{a}{n}"))
}

#[traced_span]
#[allow(clippy::too_many_arguments)]
fn names_of_ours(span: i32, tracer: i32, cx: i32, guard: i32, result: i32, e: i32, x: i32, __span: i32, __start: i32, __result: i32) -> Option<i32> {
    let __fields = 1;
    Some(span + tracer + cx + guard + result + e + x + __span + __start + __result + __fields)
}

#[traced_span]
fn conditional(a: i32, #[cfg(doc)] b: NoSuchType, #[cfg(not(doc))] c: i32) -> Option<i32> {
    Some(a + c)
}

#[traced_span]
fn moved(text: String) -> Result<String, String> {
    let moved = text;
    if moved.is_empty() { Err(moved) } else { Ok(moved) }
}

#[traced_span]
fn r#type(r#fn: i32, _unused: &str) -> i32 {
    r#fn
}

fn main() {
    assert_eq!(patterns((1, 2), Point { x: 3, y: 4 }, [5, 6, 7], String::new(), &8), Some(20));
    drop(async_patterns((String::new(), String::new()), Point { x: 1, y: 2 }, 0, 1));
    assert_eq!(names_of_ours(1, 1, 1, 1, 1, 1, 1, 1, 1, 1), Some(11));
    assert_eq!(conditional(1, 2), Some(3));
    assert_eq!(moved("a".to_owned()).unwrap(), "a");
    assert_eq!(r#type(1, ""), 1);
}
