//! What a receiver says to a request.

use std::time::Duration;

use opentelemetry_sdk::error::OTelSdkError;

use crate::engine::recorder::wire::Fields;

/// The field of `ExportTraceServiceResponse`, and those of the `ExportTracePartialSuccess` in it; those of log records have
/// the same numbers.
const PARTIAL_SUCCESS: u8 = 1;
const REJECTED: u8 = 1;
const ERROR_MESSAGE: u8 = 2;

/// A request was taken, perhaps not all of it.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Answer {
    /// So many spans or log records were not taken.
    pub(super) refused: u64,
    /// Why.
    pub(super) message: String,
}

/// A request was not taken.
#[derive(Debug)]
pub(super) enum Failure {
    /// It never will be.
    Final(OTelSdkError),
    /// Nobody could be asked.
    Unreachable(OTelSdkError),
    /// There was no answer in time.
    Late(OTelSdkError),
    /// It may be later.
    Busy {
        error: OTelSdkError,
        /// So much later, if the receiver said it.
        pause: Option<Duration>,
    },
}

impl Failure {
    pub(super) fn into_error(self) -> OTelSdkError {
        match self {
            Self::Final(error)
            | Self::Unreachable(error)
            | Self::Late(error)
            | Self::Busy { error, .. } => error,
        }
    }
}

impl Answer {
    /// Reads an `ExportTraceServiceResponse` or an `ExportLogsServiceResponse`.
    pub(super) fn read(response: &[u8]) -> Self {
        let mut answer = Self::default();
        let partial = Fields(response)
            .filter(|(field, _)| *field == PARTIAL_SUCCESS)
            .filter_map(|(_, value)| value.bytes());
        for (field, value) in partial.flat_map(Fields) {
            match field {
                // Less than none is none.
                REJECTED => {
                    let refused = i64::try_from(value.number());
                    answer.refused = refused.map_or(0, i64::unsigned_abs);
                }
                ERROR_MESSAGE => {
                    let message = value.bytes().unwrap_or_default();
                    answer.message = String::from_utf8_lossy(message).into_owned();
                }
                _ => {}
            }
        }
        answer
    }
}

/// No more of a reason is told, in characters.
const MAX_REASON: usize = 200;

/// The `message` of a `google.rpc.Status`, in which an answer by HTTP says what went wrong; what is none, as it is.
fn message(said: &[u8]) -> &[u8] {
    const MESSAGE: u8 = 2;
    // Its fields begin with a byte that no text begins with.
    let is_text = said.first().is_none_or(|byte| *byte >= b' ');
    if is_text {
        return said;
    }
    let mut fields = Fields(said).filter(|(field, _)| *field == MESSAGE);
    fields.find_map(|(_, value)| value.bytes()).unwrap_or(said)
}

/// What is readable of what a receiver says, to be told behind something.
pub(super) fn reason(said: &[u8]) -> String {
    let readable: String = String::from_utf8_lossy(message(said))
        .split(|char: char| char.is_control() || char == char::REPLACEMENT_CHARACTER)
        .map(str::trim)
        .filter(|part| !part.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
        .chars()
        .take(MAX_REASON)
        .collect();
    if readable.is_empty() {
        readable
    } else {
        format!(": {readable}")
    }
}

/// A failure to send, with all that it comes from.
pub(super) fn failure(error: &dyn std::error::Error) -> OTelSdkError {
    OTelSdkError::InternalFailure(chain(error))
}

/// An error and all that it comes from, in one line.
pub(super) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text = format!("{text}: {cause_text}");
        }
        source = cause.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use opentelemetry_proto::tonic::collector::trace::v1::{
        ExportTracePartialSuccess, ExportTraceServiceResponse,
    };
    use prost::Message as _;

    use super::*;

    #[test]
    fn a_partial_success_is_read() {
        let response = ExportTraceServiceResponse {
            partial_success: Some(ExportTracePartialSuccess {
                rejected_spans: 300,
                error_message: "too old".to_owned(),
            }),
        };
        let expected = Answer {
            refused: 300,
            message: "too old".to_owned(),
        };
        assert_eq!(Answer::read(&response.encode_to_vec()), expected);
        assert_eq!(Answer::read(b""), Answer::default());
        assert_eq!(Answer::read(b"no message"), Answer::default());
        // A negative number, as protobuf writes it.
        let negative = [&[0x0a, 11, 0x08][..], &[0xff; 9], &[1]].concat();
        assert_eq!(Answer::read(&negative), Answer::default());
    }

    #[test]
    fn what_is_readable_of_an_answer_is_told() {
        assert_eq!(reason(b""), "");
        assert_eq!(reason(b"\x12\x08no quota"), ": no quota");
        let long = "x".repeat(48);
        let status = [b"\x08\x05\x12\x30", long.as_bytes()].concat();
        assert_eq!(reason(&status), format!(": {long}"));
        assert_eq!(reason(b"\x08\x05"), "");
        assert_eq!(reason(b"\nno quota"), ": no quota");
        assert_eq!(reason("ä".repeat(300).as_bytes()).chars().count(), 202);
    }
}
