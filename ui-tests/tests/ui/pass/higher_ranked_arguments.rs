#![deny(warnings)]

use futures_util::FutureExt as _;
use otel_runtime::traced_span;

#[traced_span]
fn apply<F>(function: F, text: &str) -> Option<&str>
where
    F: for<'a> Fn(&'a str) -> Option<&'a str>,
{
    let own = " own ".to_owned();
    function(&own)?;
    function(text)
}

#[traced_span]
fn visit(rows: &[String], visit: &mut dyn for<'a> FnMut(&'a str) -> Result<(), &'a str>) -> Result<(), String> {
    for row in rows {
        visit(row)?;
    }
    Ok(())
}

#[traced_span]
async fn transaction<T, F>(run: F) -> Result<T, String>
where
    F: AsyncFnOnce(&mut u32) -> Result<T, String>,
{
    let mut connection = 1;
    run(&mut connection).await
}

#[traced_span]
fn pointers(function: for<'a> fn(&'a u32, &u32) -> &'a u32) -> u32 {
    *function(&1, &2)
}

fn main() {
    assert_eq!(apply(|text| text.get(1..), "ab"), Some("b"));
    let mut seen = 0;
    let result = visit(&["a".to_owned(), String::new()], &mut |row| {
        seen += 1;
        if row.is_empty() { Err("empty") } else { Ok(()) }
    });
    assert_eq!((result, seen), (Err("empty".to_owned()), 2));
    let run = async |connection: &mut u32| {
        *connection += 1;
        Ok(*connection)
    };
    assert_eq!(transaction(run).now_or_never(), Some(Ok(2)));
    assert_eq!(pointers(|first, _| first), 1);
}
