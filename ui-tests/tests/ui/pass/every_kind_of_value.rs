#![deny(warnings)]

use std::borrow::Cow;

use otel_runtime::{span_attr, traced_span};

#[traced_span]
#[span_attr(
    u8 = 1_u8, u16 = 1_u16, u32 = 1_u32, u64 = 1_u64, u128 = 1_u128, usize = 1_usize,
    i8 = -1_i8, i16 = -1_i16, i32 = -1_i32, i64 = -1_i64, i128 = -1_i128, isize = -1_isize,
    f32 = 1.0_f32, f64 = f64::NAN, bool = true, char = 'x',
    fixed = "fixed", text = text, text.owned = text.to_owned(), text.boxed = text,
    cow.borrowed = Cow::Borrowed("a"), cow.owned = Cow::<str>::Owned(text.to_owned()),
)]
#[span_attr(
    some = Some("a"), none = None::<u8>, some.owned = Some(text.to_owned()), some.reference = Some(&1_u64),
    option.reference = &option, nested.reference = &&&option, mutable = *number, deref = &*number,
    array = [1_u8, 2], bools = [true; 3], floats = [1.5_f32], chars = ['a'], strings = ["a", "b"],
    owned = [String::new()], slice = &list[..1], vector = list, vector.reference = &list, empty = [0_u8; 0],
    cows = [Cow::Borrowed("a")], big = [u64::MAX], signed = vec![i128::MIN],
)]
#[span_attr(
    sum = 1 + number.count_ones(), negated = -(1 + 2), cast = list[0] as usize, range = list[0], call = text.len(),
    block = { let n = 1; n + n }, conditional = if text.is_empty() { 1 } else { 2 }, matched = match text.len() { 0 => 1, n => n },
    tuple.field = (1, 2).0, parenthesised = (1), unsafe_free = usize::MAX, compared = 1 < 2, is = matches!(1, 1),
    shown = %text, shown.sum = %(1 + 2), shown.call = %text.len(), debugged = ?list, debugged.option = ?Some(1),
    closure = |result| *result, closure.typed = |result: &usize| -> usize { *result }, closure.shown = |_| "x",
)]
fn values(text: &str, option: Option<u32>, list: Vec<u32>, number: &mut u32) -> usize {
    *number += option.unwrap_or(0);
    text.len() + list.len()
}

fn main() {
    let mut number = 1;
    assert_eq!(values("a", Some(2), vec![1, 2], &mut number), 3);
    assert_eq!(number, 3);
}
