//! What a caller is told of a request that cannot be understood.

use std::fmt;

use serde::Serialize;
use serde_json::Value;

/// One thing that is wrong with a request, in the form of the list below `detail`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Problem {
    #[serde(rename = "type")]
    kind: &'static str,
    loc: Vec<Place>,
    msg: String,
    input: Value,
    #[serde(skip_serializing_if = "Option::is_none")]
    ctx: Option<Context>,
}

impl Problem {
    /// Tells what is wrong (`kind` for programs, `msg` for people), where, and with which value.
    pub(super) fn new(
        kind: &'static str,
        loc: Vec<Place>,
        msg: impl Into<String>,
        input: &Value,
    ) -> Self {
        Self {
            kind,
            loc,
            msg: msg.into(),
            input: input.clone(),
            ctx: None,
        }
    }

    /// Adds the error behind the problem.
    pub(super) fn because(mut self, error: impl Into<Value>) -> Self {
        self.ctx = Some(Context {
            error: Box::new(error.into()),
        });
        self
    }

    /// The way to the wrong value, like `body.end`.
    pub(super) fn place(&self) -> String {
        let steps: Vec<_> = self.loc.iter().map(Place::to_string).collect();
        steps.join(".")
    }
}

/// What else is known of a problem.
#[derive(Clone, Debug, PartialEq, Serialize)]
struct Context {
    error: Box<Value>,
}

/// A step on the way to the value that is wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub(super) enum Place {
    /// A part of the request, or a field.
    Name(&'static str),
    /// The number of characters before the error.
    Offset(usize),
}

impl fmt::Display for Place {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => formatter.write_str(name),
            Self::Offset(offset) => write!(formatter, "{offset}"),
        }
    }
}
