//! Finds out whether what a function returned is an `Err`, and how that can be described.
//!
//! The expansion does not know the type behind a name such as `io::Result<()>`. It calls a method on what [`returned`]
//! gives; the compiler takes the first type below whose method fits, with one dereference from each to the next. The
//! methods are inherent, so that no trait has to be imported where the macro is used, and have names that no trait of the
//! user's has.

use std::any::type_name;
use std::fmt::{Debug, Display};
use std::ops::Deref;

/// Why a function failed.
#[derive(Debug)]
pub struct Failure {
    pub(super) type_name: &'static str,
    pub(super) message: Option<String>,
}

/// What the attributes say of a panic.
const PANIC: &str = "panic";

impl Failure {
    pub(super) fn panic() -> Failure {
        Failure {
            type_name: PANIC,
            message: None,
        }
    }

    fn of<E>(message: String) -> Failure {
        Failure {
            type_name: type_name::<E>(),
            message: Some(message),
        }
    }
}

/// What a function returned, to be asked for its failure.
#[must_use]
pub const fn returned<T>(result: &T) -> ByDisplay<'_, T> {
    ByDisplay(ByDebug(ByTypeName(NoFailure(result))))
}

/// Perhaps an error that has a `Display`.
#[derive(Debug)]
pub struct ByDisplay<'a, T>(ByDebug<'a, T>);

/// Perhaps an error that has a `Debug`.
#[derive(Debug)]
pub struct ByDebug<'a, T>(ByTypeName<'a, T>);

/// Perhaps an error that has neither.
#[derive(Debug)]
pub struct ByTypeName<'a, T>(NoFailure<'a, T>);

/// Any other value.
#[derive(Debug)]
pub struct NoFailure<'a, T>(&'a T);

impl<T, E: Display> ByDisplay<'_, Result<T, E>> {
    /// The failure, described by `Display`.
    #[must_use]
    pub fn __otel_failure(&self) -> Option<Failure> {
        failure_by_display(self.0.0.0.0)
    }
}

impl<T, E: Debug> ByDebug<'_, Result<T, E>> {
    /// The failure, described by `Debug`.
    #[must_use]
    pub fn __otel_failure(&self) -> Option<Failure> {
        failure_by_debug(self.0.0.0)
    }
}

impl<T, E> ByTypeName<'_, Result<T, E>> {
    /// The failure, described by the name of the error's type.
    #[must_use]
    pub fn __otel_failure(&self) -> Option<Failure> {
        self.0.0.as_ref().err()?;
        Some(Failure::of::<E>(type_name::<E>().to_owned()))
    }
}

impl<T> NoFailure<'_, T> {
    /// No failure.
    #[must_use]
    #[expect(
        clippy::unused_self,
        reason = "the others need it, and this one is called as they are"
    )]
    pub const fn __otel_failure(&self) -> Option<Failure> {
        None
    }
}

/// What a function returned, to be asked for the value that the closure of an attribute sees.
#[must_use]
pub const fn value_of<T>(result: &T) -> OkValue<'_, T> {
    OkValue(AnyValue(result))
}

/// Perhaps the value inside an `Ok`.
#[derive(Debug)]
pub struct OkValue<'a, T>(AnyValue<'a, T>);

/// Any other value.
#[derive(Debug)]
pub struct AnyValue<'a, T>(&'a T);

impl<'a, T, E> OkValue<'a, Result<T, E>> {
    /// The value, unless it is an `Err`.
    #[must_use]
    pub fn __otel_value(&self) -> Option<&'a T> {
        self.0.0.as_ref().ok()
    }
}

impl<'a, T> AnyValue<'a, T> {
    /// The value.
    #[must_use]
    #[expect(clippy::unnecessary_wraps, reason = "the other may have none")]
    pub const fn __otel_value(&self) -> Option<&'a T> {
        Some(self.0)
    }
}

macro_rules! next_best {
    ($($first:ident then $next:ident;)*) => {$(
        impl<'a, T> Deref for $first<'a, T> {
            type Target = $next<'a, T>;

            fn deref(&self) -> &$next<'a, T> {
                &self.0
            }
        }
    )*};
}

next_best! {
    ByDisplay then ByDebug;
    ByDebug then ByTypeName;
    ByTypeName then NoFailure;
    OkValue then AnyValue;
}

/// A `Result`, behind whatever alias.
#[diagnostic::on_unimplemented(
    message = "`err` needs a function that returns a `Result`",
    label = "this one returns `{Self}`",
    note = "remove `err`, or return a `Result`"
)]
pub trait ResultLike {
    /// What is returned when all went well.
    type Value;
    /// What is returned when it did not.
    type Error;

    /// The error, if that is what was returned.
    fn error(&self) -> Option<&Self::Error>;
}

impl<T, E> ResultLike for Result<T, E> {
    type Value = T;
    type Error = E;

    fn error(&self) -> Option<&E> {
        self.as_ref().err()
    }
}

/// `err = display`
#[must_use]
pub fn failure_by_display<R: ResultLike<Error: Display>>(result: &R) -> Option<Failure> {
    let error = result.error()?;
    Some(Failure::of::<R::Error>(error.to_string()))
}

/// `err = debug`
#[must_use]
pub fn failure_by_debug<R: ResultLike<Error: Debug>>(result: &R) -> Option<Failure> {
    let error = result.error()?;
    Some(Failure::of::<R::Error>(format!("{error:?}")))
}

/// `err = |e| ..`
#[must_use]
pub fn failure_by<'a, R, D>(
    result: &'a R,
    describe: impl FnOnce(&'a R::Error) -> D,
) -> Option<Failure>
where
    R: ResultLike,
    D: Display,
{
    let error = result.error()?;
    Some(Failure::of::<R::Error>(describe(error).to_string()))
}

/// `err_if = |e| ..`: whether there is an error, and it counts.
#[must_use]
pub fn counts<'a, R: ResultLike>(result: &'a R, counts: impl FnOnce(&'a R::Error) -> bool) -> bool {
    result.error().is_some_and(counts)
}
