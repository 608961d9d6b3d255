#![deny(warnings)]

use otel_runtime::traced_span;

struct Slot {
    value: u32,
}

#[traced_span]
fn longest<'a>(a: &'a str, b: &'a str) -> &'a str {
    if a.len() > b.len() { a } else { b }
}

#[traced_span]
fn slot(slots: &mut [Slot], at: usize) -> Result<&mut Slot, String> {
    slots.get_mut(at).ok_or_else(|| "no such slot".to_owned())
}

#[traced_span]
fn value(slot: &mut Slot) -> Result<&mut u32, String> {
    slot.value += 1;
    Ok(&mut slot.value)
}

#[traced_span]
fn parts(text: &str) -> impl Iterator<Item = &str> {
    text.split(',')
}

#[traced_span]
fn checked_parts(text: &str) -> Result<impl Iterator<Item = &str>, String> {
    if text.is_empty() {
        return Err("empty".to_owned());
    }
    Ok(text.split(','))
}

#[traced_span]
async fn async_parts(text: &str) -> Result<impl Iterator<Item = &str>, String> {
    ::core::future::ready(()).await;
    Ok(text.split(','))
}

fn main() {
    assert_eq!(longest("a", "bb"), "bb");
    let mut slots = [Slot { value: 1 }];
    *value(slot(&mut slots, 0).unwrap()).unwrap() += 1;
    assert_eq!(slots[0].value, 3);
    assert_eq!(parts("a,b").count(), 2);
    assert_eq!(checked_parts("a,b").unwrap().count(), 2);
    drop(async_parts("a"));
}
