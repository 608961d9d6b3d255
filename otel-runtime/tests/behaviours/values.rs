//! What values are recorded as.

use std::borrow::Cow;
use std::rc::Rc;
use std::sync::Arc;

use opentelemetry::Value;
use otel_runtime::{AttributeValue, attr, span_attr, span_event, traced_span};

use super::record;

#[traced_span]
#[span_attr("value" = value)]
#[span_event("event", "value" = value)]
fn note<V: AttributeValue + ?Sized>(value: &V) {}

/// `expected` as it stands in the tree; empty for a value that is not recorded.
#[track_caller]
fn check<V: AttributeValue + ?Sized>(value: &V, expected: &str) {
    let recorded = record();
    note(value);
    let mut lines = vec!["INTERNAL note", "    * event"];
    let (attribute, field) = (
        format!("    · value = {expected}"),
        format!("      · value = {expected}"),
    );
    if !expected.is_empty() {
        lines.insert(1, &attribute);
        lines.push(&field);
    }
    recorded.check_attributes(&lines);
}

#[test]
fn integers_of_each_size() {
    check(&i8::MIN, "-128");
    check(&i16::MIN, "-32768");
    check(&i32::MIN, "-2147483648");
    check(&i64::MIN, "-9223372036854775808");
    check(&i64::MAX, "9223372036854775807");
    check(&-1_i128, "-1");
    check(&-1_isize, "-1");
    check(&u8::MAX, "255");
    check(&u16::MAX, "65535");
    check(&u32::MAX, "4294967295");
    check(&7_usize, "7");
    check(&u64::from(u32::MAX), "4294967295");
    check(&i64::MAX.cast_unsigned(), "9223372036854775807");
    check(&u128::from(u8::MAX), "255");
}

#[test]
fn integers_that_do_not_fit_are_decimal_strings() {
    check(&u64::MAX, "\"18446744073709551615\"");
    check(&(i64::MAX.cast_unsigned() + 1), "\"9223372036854775808\"");
    check(&u128::MAX, "\"340282366920938463463374607431768211455\"");
    check(&i128::MIN, "\"-170141183460469231731687303715884105728\"");
    check(&i128::MAX, "\"170141183460469231731687303715884105727\"");
    if usize::BITS == 64 {
        check(&usize::MAX, "\"18446744073709551615\"");
    }
}

#[test]
fn floats_stay_floats() {
    check(&1.0_f64, "1.0");
    check(&0.5_f32, "0.5");
    check(&-0.0_f64, "-0.0");
    check(&f64::NAN, "NaN");
    check(&f64::INFINITY, "inf");
    check(&f64::NEG_INFINITY, "-inf");
    check(&f32::INFINITY, "inf");
    check(&f64::MAX, "1.7976931348623157e308");
    check(&f64::MIN_POSITIVE, "2.2250738585072014e-308");
}

#[test]
fn booleans_and_characters() {
    check(&true, "true");
    check(&false, "false");
    check(&'ä', "\"ä\"");
    check(&'\u{1f6cf}', "\"\u{1f6cf}\"");
}

#[test]
fn strings_of_each_kind() {
    check("", "\"\"");
    check("Zürich 東京 \u{1f6cf}", "\"Zürich 東京 \u{1f6cf}\"");
    check(&String::from("owned"), "\"owned\"");
    check(&Cow::Borrowed("borrowed"), "\"borrowed\"");
    check(&Cow::<str>::Owned("owned".to_owned()), "\"owned\"");
    check(&Box::<str>::from("boxed"), "\"boxed\"");
    check(&Rc::<str>::from("shared"), "\"shared\"");
    check(&Arc::<str>::from("shared"), "\"shared\"");
}

#[test]
fn strings_are_kept_whole() {
    let long = "ä".repeat(100_000);
    check(long.as_str(), &format!("\"{long}\""));
    let recorded = record();
    note("two\nlines\0");
    let value = Value::from("two\nlines\0");
    assert_eq!(recorded.only().attribute("value"), Some(&value));
}

#[test]
fn an_option_is_its_value_or_nothing() {
    check(&Some(7), "7");
    check(&Some("there"), "\"there\"");
    check(&Some(u64::MAX), "\"18446744073709551615\"");
    check(&Some(Some(true)), "true");
    check(&Some(vec![1, 2]), "[1, 2]");
    check(&Some(&String::from("there")), "\"there\"");
    check(&None::<u8>, "");
    check(&None::<&str>, "");
    check(&Some(None::<bool>), "");
    check(&None::<Vec<f64>>, "");
}

#[test]
fn references_are_what_they_refer_to() {
    check(&&7, "7");
    check(&&&"text", "\"text\"");
    check(&&mut 7, "7");
    check(&&Some(7), "7");
    check(&&None::<u8>, "");
    check(&Box::new(7), "7");
    check(&Rc::new(true), "true");
    check(&Arc::new(String::from("shared")), "\"shared\"");
    check(&&[1, 2], "[1, 2]");
}

#[test]
fn lists_of_each_kind() {
    check(&[true, false], "[true, false]");
    check(&[i8::MIN, 1], "[-128, 1]");
    check(&[u8::MAX, 1], "[255, 1]");
    check(
        &vec![i64::MIN, i64::MAX],
        "[-9223372036854775808, 9223372036854775807]",
    );
    check(&[1_usize, 2].as_slice(), "[1, 2]");
    check(&[-1_i128], "[-1]");
    check(&[0.5_f32, -0.0], "[0.5, -0.0]");
    check(&vec![f64::NAN, f64::INFINITY], "[NaN, inf]");
    check(&["a", ""], "[\"a\", \"\"]");
    check(&vec!["ä".to_owned()], "[\"ä\"]");
    check(
        &[Cow::Borrowed("a"), Cow::Owned("b".to_owned())],
        "[\"a\", \"b\"]",
    );
    check(&['a', 'b'], "[\"a\", \"b\"]");
    check(&vec![&1, &2], "[1, 2]");
    check(&[&&"a"], "[\"a\"]");
    check::<[u8]>(&[1, 2], "[1, 2]");
    check(&[0_u8; 0], "[]");
    check(&Vec::<String>::new(), "[]");
}

#[test]
fn one_integer_that_does_not_fit_makes_all_of_its_list_strings() {
    check(&[1, u64::MAX], "[\"1\", \"18446744073709551615\"]");
    check(
        &vec![i128::MIN, 0],
        "[\"-170141183460469231731687303715884105728\", \"0\"]",
    );
}

#[test]
fn literals_and_what_display_and_debug_say() {
    #[traced_span]
    #[span_attr("text" = "literal", "yes" = true, "integer" = -7, "float" = 1.5, "letter" = 'x')]
    #[span_attr("shown" = %format_args!("{}-{}", 1, 2), "debugged" = ?Some("text"), "list" = ["a"; 2])]
    fn literals() {}
    let recorded = record();
    literals();
    recorded.check_attributes(&[
        "INTERNAL literals",
        "    · debugged = \"Some(\\\"text\\\")\"",
        "    · float = 1.5",
        "    · integer = -7",
        "    · letter = \"x\"",
        "    · list = [\"a\", \"a\"]",
        "    · shown = \"1-2\"",
        "    · text = \"literal\"",
        "    · yes = true",
    ]);
}

#[test]
fn parameters_of_each_kind() {
    #[traced_span]
    fn parameters(
        #[span_attr] wide: u64,
        #[span_attr] text: &str,
        #[span_attr] owned: String,
        #[span_attr] absent: Option<u8>,
        #[span_attr] present: Option<String>,
        #[span_attr] list: Vec<f64>,
        #[span_attr] slice: &mut [bool],
    ) {
        slice[0] = true;
        drop((owned, present, list));
    }
    let recorded = record();
    let mut slice = [false];
    let present = Some("here".to_owned());
    parameters(
        u64::MAX,
        "ä",
        "owned".to_owned(),
        None,
        present,
        vec![0.5],
        &mut slice,
    );
    assert_eq!(slice, [true]);
    recorded.check_attributes(&[
        "INTERNAL parameters",
        "    · list = [0.5]",
        "    · owned = \"owned\"",
        "    · present = \"here\"",
        "    · slice = [false]",
        "    · text = \"ä\"",
        "    · wide = \"18446744073709551615\"",
    ]);
}

#[test]
fn arguments_that_are_moved_can_be_named() {
    struct Booking {
        room: String,
        nights: u8,
    }
    #[traced_span]
    #[span_attr("room" = booking.room, "nights" = |ok| *ok)]
    #[span_event("moved", "nights" = booking.nights)]
    fn moves(booking: Booking) -> Result<u8, String> {
        std::thread::spawn(move || booking.nights)
            .join()
            .map_err(|_| "it panicked".to_owned())
    }
    #[traced_span]
    #[span_attr("room" = booking.room)]
    async fn moves_later(booking: Booking) -> String {
        super::pause().await;
        booking.room
    }
    let booking = |nights| Booking {
        room: "blue".to_owned(),
        nights,
    };
    let recorded = record();
    assert_eq!(moves(booking(2)), Ok(2));
    assert_eq!(super::block_on(moves_later(booking(3))), "blue");
    recorded.check_attributes(&[
        "INTERNAL moves",
        "    · nights = 2",
        "    · room = \"blue\"",
        "    * moved",
        "      · nights = 2",
        "INTERNAL moves_later",
        "    · room = \"blue\"",
    ]);
}

/// The specification demands it; the SDK alone keeps both values.
#[test]
fn of_a_key_that_is_set_twice_the_last_value_wins() {
    #[traced_span]
    #[span_attr("key" = 1)]
    fn sets_twice() {
        attr!("key" = 2);
        attr!("key" = "last", "other" = true);
    }
    let recorded = record();
    sets_twice();
    let expected: &[_] = if crate::LAST_VALUE_WINS {
        &[
            "INTERNAL sets_twice",
            "    · key = \"last\"",
            "    · other = true",
        ]
    } else {
        &[
            "INTERNAL sets_twice",
            "    · key = 1",
            "    · key = 2",
            "    · key = \"last\"",
            "    · other = true",
        ]
    };
    recorded.check_attributes(expected);
}
