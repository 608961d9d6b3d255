//! Finds out whether what a function returned is an `Err`, and how that can be described.
//!
//! The expansion does not know the type behind a name such as `io::Result<()>`. It calls a method on
//! `&&&&Returned(..)`; the compiler takes the first trait below that fits, with one reference less at each step.

use std::any::type_name;
use std::fmt::{Debug, Display};

/// Why a function failed.
#[derive(Debug)]
pub struct Failure {
    pub(super) type_name: &'static str,
    pub(super) message: Option<String>,
}

impl Failure {
    fn of<E>(message: String) -> Failure {
        Failure {
            type_name: type_name::<E>(),
            message: Some(message),
        }
    }
}

/// What a function returned.
#[derive(Debug)]
pub struct Returned<'a, T>(pub &'a T);

/// An error that has a `Display`.
pub trait ByDisplay {
    /// The failure, described by `Display`.
    fn failure(&self) -> Option<Failure>;
}

impl<T, E: Display> ByDisplay for &&&Returned<'_, Result<T, E>> {
    fn failure(&self) -> Option<Failure> {
        failure_by_display(self.0)
    }
}

/// An error that has a `Debug`.
pub trait ByDebug {
    /// The failure, described by `Debug`.
    fn failure(&self) -> Option<Failure>;
}

impl<T, E: Debug> ByDebug for &&Returned<'_, Result<T, E>> {
    fn failure(&self) -> Option<Failure> {
        failure_by_debug(self.0)
    }
}

/// An error that has neither.
pub trait ByTypeName {
    /// The failure, described by the name of the error's type.
    fn failure(&self) -> Option<Failure>;
}

impl<T, E> ByTypeName for &Returned<'_, Result<T, E>> {
    fn failure(&self) -> Option<Failure> {
        self.0.as_ref().err()?;
        Some(Failure::of::<E>(type_name::<E>().to_owned()))
    }
}

/// Any other value: no failure.
pub trait NoFailure {
    /// Nothing.
    fn failure(&self) -> Option<Failure>;
}

impl<T> NoFailure for Returned<'_, T> {
    fn failure(&self) -> Option<Failure> {
        None
    }
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

/// The value inside an `Ok`.
pub trait OkValue<'a> {
    /// What the closure of an attribute sees.
    type Value;

    /// The value, unless it is an `Err`.
    fn value(&self) -> Option<&'a Self::Value>;
}

impl<'a, T, E> OkValue<'a> for &Returned<'a, Result<T, E>> {
    type Value = T;

    fn value(&self) -> Option<&'a T> {
        self.0.as_ref().ok()
    }
}

/// Any other value.
pub trait AnyValue<'a> {
    /// What the closure of an attribute sees.
    type Value;

    /// The value.
    fn value(&self) -> Option<&'a Self::Value>;
}

impl<'a, T> AnyValue<'a> for Returned<'a, T> {
    type Value = T;

    fn value(&self) -> Option<&'a T> {
        Some(self.0)
    }
}
