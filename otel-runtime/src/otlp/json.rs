//! OTLP as JSON. <https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding>
//!
//! The engine writes protobuf. Where a receiver wants JSON instead, that is read again and written by the types of
//! `opentelemetry-proto`.

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_sdk::error::OTelSdkError;
use prost::Message as _;
use serde_json::Value;

use super::answer::{Answer, failure};

/// A request of the engine as JSON.
pub(super) fn request(protobuf: &[u8]) -> Result<Vec<u8>, OTelSdkError> {
    let request = ExportTraceServiceRequest::decode(protobuf).map_err(|error| failure(&error))?;
    serde_json::to_vec(&request).map_err(|error| failure(&error))
}

/// Reads an `ExportTraceServiceResponse`; what is none says nothing.
pub(super) fn answer(response: &[u8]) -> Answer {
    let response: Value = serde_json::from_slice(response).unwrap_or_default();
    let partial = &response["partialSuccess"];
    // The protocol writes 64 bits as text; not everybody does.
    let refused = match &partial["rejectedSpans"] {
        Value::String(number) => number.parse().ok(),
        number => number.as_u64(),
    };
    Answer {
        refused: refused.unwrap_or_default(),
        message: partial["errorMessage"]
            .as_str()
            .unwrap_or_default()
            .to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_partial_success_is_read() {
        let expected = Answer {
            refused: 300,
            message: "too old".to_owned(),
        };
        for number in ["300", r#""300""#] {
            let response = format!(
                r#"{{"partialSuccess":{{"rejectedSpans":{number},"errorMessage":"too old"}}}}"#
            );
            assert_eq!(answer(response.as_bytes()), expected);
        }
        for nothing in ["", "{}", r#"{"partialSuccess":null}"#, "no message"] {
            assert_eq!(answer(nothing.as_bytes()), Answer::default());
        }
    }
}
