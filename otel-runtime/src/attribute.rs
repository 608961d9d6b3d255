//! Which Rust values may be span attributes, and what they become.

use std::borrow::Cow;
use std::fmt::Display;
use std::num::NonZero;
use std::rc::Rc;
use std::sync::Arc;

use opentelemetry::{Array, StringValue, Value};

use crate::engine::recorder::entries::Entries;

/// A value that can be recorded as a span attribute.
///
/// | Rust | OpenTelemetry |
/// |---|---|
/// | `bool` | boolean |
/// | every integer, also `NonZero` | 64-bit integer; one that does not fit becomes a decimal string and never wraps |
/// | `f32`, `f64` | double |
/// | `char`, `str`, `String`, `Cow<str>` | string |
/// | `Option` of these | the value, or no attribute at all for `None` |
/// | arrays, slices, vectors of these, but not of `Option`s | array of one type; if one integer does not fit, all become strings |
/// | references to these, `Box`, `Rc` and `Arc` of them | the same |
///
/// Anything else is recorded by its `Display` (`%value`) or its `Debug` (`?value`).
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be a span attribute",
    label = "neither a bool, a number, a string nor a list of these",
    note = "write `%value` to record what its `Display` says, or `?value` for its `Debug`"
)]
pub trait AttributeValue {
    /// What is recorded; `None` records nothing.
    fn to_value(&self) -> Option<Value>;

    /// The same, written where it goes without a [`Value`] in between.
    #[doc(hidden)]
    #[inline]
    fn encode(&self, to: Encoder<'_>) {
        if let Some(value) = self.to_value() {
            to.value(&value);
        }
    }
}

/// The place of one attribute in a list.
#[derive(Debug)]
pub struct Encoder<'a> {
    list: &'a mut Entries,
    key: &'a str,
}

impl<'a> Encoder<'a> {
    #[inline]
    pub(crate) fn new(list: &'a mut Entries, key: &'a str) -> Self {
        Self { list, key }
    }

    fn value(self, value: &Value) {
        self.list.attribute(self.key).value(value);
    }

    #[inline]
    fn bool(self, value: bool) {
        self.list.attribute(self.key).bool(value);
    }

    #[inline]
    fn integer<T: Copy + Display + TryInto<i64>>(self, value: T) {
        match value.try_into() {
            Ok(fits) => self.list.attribute(self.key).i64(fits),
            Err(_) => self.list.formatted(self.key, format_args!("{value}")),
        }
    }

    #[inline]
    fn float(self, value: f64) {
        self.list.attribute(self.key).f64(value);
    }

    #[inline]
    fn text(self, value: &str) {
        self.list.attribute(self.key).string(value);
    }
}

/// A value that can stand in a list that is recorded as one attribute.
#[diagnostic::on_unimplemented(
    message = "a list of `{Self}` cannot be a span attribute",
    label = "a list holds bools, numbers or strings",
    note = "write `?value` to record what its `Debug` says"
)]
pub trait ListElement: Sized {
    /// What a list of such values is recorded as.
    fn to_array(values: &[Self]) -> Array;
}

impl<T: AttributeValue + ?Sized> AttributeValue for &T {
    fn to_value(&self) -> Option<Value> {
        (**self).to_value()
    }

    #[inline]
    fn encode(&self, to: Encoder<'_>) {
        (**self).encode(to);
    }
}

impl<T: AttributeValue + ?Sized> AttributeValue for &mut T {
    fn to_value(&self) -> Option<Value> {
        (**self).to_value()
    }

    #[inline]
    fn encode(&self, to: Encoder<'_>) {
        (**self).encode(to);
    }
}

macro_rules! pointers {
    ($($pointer:ident)*) => {$(
        impl<T: AttributeValue + ?Sized> AttributeValue for $pointer<T> {
            fn to_value(&self) -> Option<Value> {
                (**self).to_value()
            }

            #[inline]
    fn encode(&self, to: Encoder<'_>) {
                (**self).encode(to);
            }
        }
    )*};
}

pointers!(Box Rc Arc);

impl<T: AttributeValue> AttributeValue for Option<T> {
    fn to_value(&self) -> Option<Value> {
        self.as_ref().and_then(AttributeValue::to_value)
    }

    #[inline]
    fn encode(&self, to: Encoder<'_>) {
        if let Some(value) = self {
            value.encode(to);
        }
    }
}

impl<T: ListElement> AttributeValue for [T] {
    fn to_value(&self) -> Option<Value> {
        Some(Value::Array(T::to_array(self)))
    }
}

impl<T: ListElement, const N: usize> AttributeValue for [T; N] {
    fn to_value(&self) -> Option<Value> {
        self.as_slice().to_value()
    }
}

impl<T: ListElement> AttributeValue for Vec<T> {
    fn to_value(&self) -> Option<Value> {
        self.as_slice().to_value()
    }
}

/// Types with a conversion of their own, for one value and for a list.
macro_rules! values {
    ($($ty:ty, $encode:expr, $value:expr, $array:path;)*) => {$(
        impl AttributeValue for $ty {
            fn to_value(&self) -> Option<Value> {
                let convert = $value;
                Some(Value::from(convert(self)))
            }

            #[inline]
    fn encode(&self, to: Encoder<'_>) {
                let encode: fn(Encoder<'_>, &$ty) = $encode;
                encode(to, self);
            }
        }

        impl ListElement for $ty {
            fn to_array(values: &[Self]) -> Array {
                $array(values.iter().map($value).collect())
            }
        }
    )*};
}

values! {
    bool, |to, value| to.bool(*value), |value: &bool| *value, Array::Bool;
    f32, |to, value| to.float(f64::from(*value)), |value: &f32| f64::from(*value), Array::F64;
    f64, |to, value| to.float(*value), |value: &f64| *value, Array::F64;
    char, |to, value| to.text(value.encode_utf8(&mut [0; 4])), |value: &char| StringValue::from(value.to_string()), Array::String;
    String, |to, value| to.text(value), |value: &String| StringValue::from(value.clone()), Array::String;
    Cow<'_, str>, |to, value| to.text(value), |value: &Cow<'_, str>| StringValue::from(value.to_string()), Array::String;
}

impl AttributeValue for str {
    fn to_value(&self) -> Option<Value> {
        Some(Value::from(self.to_owned()))
    }

    #[inline]
    fn encode(&self, to: Encoder<'_>) {
        to.text(self);
    }
}

impl ListElement for &str {
    fn to_array(values: &[Self]) -> Array {
        let values = values
            .iter()
            .map(|value| StringValue::from((*value).to_owned()));
        Array::String(values.collect())
    }
}

impl<T: ListElement + Clone> ListElement for &T {
    fn to_array(values: &[Self]) -> Array {
        let values: Vec<T> = values.iter().map(|value| (*value).clone()).collect();
        T::to_array(&values)
    }
}

macro_rules! integers {
    ($($ty:ty)*) => {$(
        impl AttributeValue for $ty {
            fn to_value(&self) -> Option<Value> {
                Some(match i64::try_from(*self) {
                    Ok(fits) => Value::I64(fits),
                    Err(_) => Value::from(self.to_string()),
                })
            }

            #[inline]
    fn encode(&self, to: Encoder<'_>) {
                to.integer(*self);
            }
        }

        impl ListElement for $ty {
            fn to_array(values: &[Self]) -> Array {
                let fitting: Result<Vec<_>, _> = values.iter().map(|value| i64::try_from(*value)).collect();
                match fitting {
                    Ok(values) => Array::I64(values),
                    Err(_) => Array::String(values.iter().map(|value| value.to_string().into()).collect()),
                }
            }
        }

        #[diagnostic::do_not_recommend]
        impl AttributeValue for NonZero<$ty> {
            fn to_value(&self) -> Option<Value> {
                self.get().to_value()
            }

            #[inline]
    fn encode(&self, to: Encoder<'_>) {
                to.integer(self.get());
            }
        }

        #[diagnostic::do_not_recommend]
        impl ListElement for NonZero<$ty> {
            fn to_array(values: &[Self]) -> Array {
                let values: Vec<$ty> = values.iter().map(|value| value.get()).collect();
                ListElement::to_array(&values)
            }
        }
    )*};
}

integers!(i8 i16 i32 i64 i128 isize u8 u16 u32 u64 u128 usize);

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(value: impl AttributeValue, expected: impl Into<Value>) {
        assert_eq!(value.to_value(), Some(expected.into()));
    }

    #[test]
    fn integers_that_fit_stay_integers() {
        check(-1_i8, -1);
        check(7_u64, 7);
        check(i64::MIN, i64::MIN);
        check(i64::MAX.cast_unsigned(), i64::MAX);
        check(NonZero::<u8>::MIN, 1);
        check([NonZero::<u8>::MIN], Value::Array(Array::I64(vec![1])));
    }

    #[test]
    fn integers_that_do_not_fit_become_decimal_strings() {
        check(u64::MAX, "18446744073709551615");
        check(i128::MIN, "-170141183460469231731687303715884105728");
        check(
            [1, u64::MAX],
            Value::Array(Array::String(vec![
                "1".into(),
                "18446744073709551615".into(),
            ])),
        );
    }

    #[test]
    fn strings_of_each_kind() {
        check("ä", "ä");
        check(String::new(), "");
        check('x', "x");
        check(Arc::<str>::from("shared"), "shared");
        check(Box::new(Rc::new(7)), 7);
        check(Cow::from("cow"), "cow");
    }

    #[test]
    fn none_records_nothing() {
        assert_eq!(None::<u8>.to_value(), None);
        check(Some("there"), "there");
        assert_eq!((&&Some(1)).to_value(), Some(Value::I64(1)));
    }

    #[test]
    fn lists_of_each_kind() {
        check([true, false], Value::Array(Array::Bool(vec![true, false])));
        check(vec![1_u8, 2], Value::Array(Array::I64(vec![1, 2])));
        check([0.5_f32].as_slice(), Value::Array(Array::F64(vec![0.5])));
        check(
            ["a", "b"],
            Value::Array(Array::String(vec!["a".into(), "b".into()])),
        );
        check(Vec::<String>::new(), Value::Array(Array::String(vec![])));
        check(vec![&1_u8, &2], Value::Array(Array::I64(vec![1, 2])));
        check([&&"a"], Value::Array(Array::String(vec!["a".into()])));
    }
}
