//! OTLP as JSON. <https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding>
//!
//! Requests are made as protobuf. Where a receiver wants JSON instead, that is read again and written by the types of
//! `opentelemetry-proto`.

use bytes::Bytes;
#[cfg(feature = "logs")]
use opentelemetry_proto::tonic::{
    collector::logs::v1::ExportLogsServiceRequest, logs::v1::ResourceLogs,
};
use opentelemetry_proto::tonic::{
    collector::trace::v1::ExportTraceServiceRequest,
    common::v1::{AnyValue, InstrumentationScope, KeyValue, any_value},
    resource::v1::Resource,
    trace::v1::ResourceSpans,
};
use opentelemetry_sdk::error::OTelSdkError;
use prost::Message;
use reqwest::header::HeaderValue;
use serde::Serialize;
use serde_json::Value;

use super::answer::{Answer, failure};
use super::http::Encoding;
use super::{BuildError, Service};

#[expect(clippy::unnecessary_wraps, reason = "it may not be built in")]
pub(super) fn encoding(service: Service) -> Result<Encoding, BuildError> {
    Ok(Encoding {
        content_type: HeaderValue::from_static("application/json"),
        request: match service {
            Service::Trace => spans,
            #[cfg(feature = "logs")]
            Service::Logs => log_records,
        },
        answer,
    })
}

fn spans(protobuf: Vec<u8>) -> Result<Vec<u8>, OTelSdkError> {
    json(protobuf, |request: &mut ExportTraceServiceRequest| {
        finite_spans(&mut request.resource_spans);
    })
}

#[cfg(feature = "logs")]
fn log_records(protobuf: Vec<u8>) -> Result<Vec<u8>, OTelSdkError> {
    json(protobuf, |request: &mut ExportLogsServiceRequest| {
        finite_logs(&mut request.resource_logs);
    })
}

fn json<T: Message + Serialize + Default>(
    protobuf: Vec<u8>,
    mend: impl FnOnce(&mut T),
) -> Result<Vec<u8>, OTelSdkError> {
    let mut request = T::decode(Bytes::from(protobuf)).map_err(|error| failure(&error))?;
    mend(&mut request);
    serde_json::to_vec(&request).map_err(|error| failure(&error))
}

/// What is no answer says nothing.
fn answer(response: &[u8]) -> Answer {
    let response: Value = serde_json::from_slice(response).unwrap_or_default();
    let partial = &response["partialSuccess"];
    let refused = ["rejectedSpans", "rejectedLogRecords"]
        .iter()
        .find_map(|key| partial.get(key))
        // The protocol writes 64 bits as text; not everybody does.
        .and_then(|refused| match refused {
            Value::String(number) => number.parse().ok(),
            number => number.as_u64(),
        });
    Answer {
        refused: refused.unwrap_or_default(),
        message: partial["errorMessage"]
            .as_str()
            .unwrap_or_default()
            .to_owned(),
    }
}

/// Makes texts of the numbers that JSON does not know: as `null` they would make a receiver refuse all of the request.
fn finite_spans(spans: &mut [ResourceSpans]) {
    for of_process in spans {
        finite_resource(of_process.resource.as_mut());
        for of_scope in &mut of_process.scope_spans {
            finite_scope(of_scope.scope.as_mut());
            for span in &mut of_scope.spans {
                finite(&mut span.attributes);
                for event in &mut span.events {
                    finite(&mut event.attributes);
                }
                for link in &mut span.links {
                    finite(&mut link.attributes);
                }
            }
        }
    }
}

/// The same for log records.
#[cfg(feature = "logs")]
fn finite_logs(logs: &mut [ResourceLogs]) {
    for of_process in logs {
        finite_resource(of_process.resource.as_mut());
        for of_scope in &mut of_process.scope_logs {
            finite_scope(of_scope.scope.as_mut());
            for record in &mut of_scope.log_records {
                finite(&mut record.attributes);
                finite_value(record.body.as_mut());
            }
        }
    }
}

fn finite_resource(resource: Option<&mut Resource>) {
    if let Some(resource) = resource {
        finite(&mut resource.attributes);
    }
}

fn finite_scope(scope: Option<&mut InstrumentationScope>) {
    if let Some(scope) = scope {
        finite(&mut scope.attributes);
    }
}

fn finite(attributes: &mut [KeyValue]) {
    for attribute in attributes {
        finite_value(attribute.value.as_mut());
    }
}

fn finite_value(value: Option<&mut AnyValue>) {
    let Some(value) = value.and_then(|value| value.value.as_mut()) else {
        return;
    };
    match value {
        any_value::Value::DoubleValue(number) if !number.is_finite() => {
            let text = match *number {
                f64::INFINITY => "Infinity",
                f64::NEG_INFINITY => "-Infinity",
                _ => "NaN",
            };
            *value = any_value::Value::StringValue(text.to_owned());
        }
        any_value::Value::ArrayValue(list) => {
            for value in &mut list.values {
                finite_value(Some(value));
            }
        }
        any_value::Value::KvlistValue(list) => finite(&mut list.values),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use opentelemetry_proto::tonic::common::v1::ArrayValue;
    use opentelemetry_proto::tonic::trace::v1::{ScopeSpans, Span};

    use super::*;

    #[test]
    fn a_partial_success_is_read() {
        let expected = Answer {
            refused: 300,
            message: "too old".to_owned(),
        };
        for refused in [
            r#""rejectedSpans":300"#,
            r#""rejectedSpans":"300""#,
            r#""rejectedLogRecords":"300""#,
        ] {
            let response =
                format!(r#"{{"partialSuccess":{{{refused},"errorMessage":"too old"}}}}"#);
            assert_eq!(answer(response.as_bytes()), expected);
        }
        for nothing in ["", "{}", r#"{"partialSuccess":null}"#, "no message"] {
            assert_eq!(answer(nothing.as_bytes()), Answer::default());
        }
    }

    #[test]
    fn numbers_that_json_does_not_know_become_texts() {
        let numbers = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 1.5];
        let values = numbers.map(|number| AnyValue {
            value: Some(any_value::Value::DoubleValue(number)),
        });
        let list = ArrayValue {
            values: values.into(),
        };
        let attribute = KeyValue {
            key: "numbers".to_owned(),
            value: Some(AnyValue {
                value: Some(any_value::Value::ArrayValue(list)),
            }),
            ..KeyValue::default()
        };
        let span = Span {
            attributes: vec![attribute],
            ..Span::default()
        };
        let of_scope = ScopeSpans {
            spans: vec![span],
            ..ScopeSpans::default()
        };
        let of_process = ResourceSpans {
            scope_spans: vec![of_scope],
            ..ResourceSpans::default()
        };
        let message = ExportTraceServiceRequest {
            resource_spans: vec![of_process],
        };
        let body = spans(message.encode_to_vec()).expect("JSON");
        let body = String::from_utf8(body).expect("text");
        let expected = r#"{"values":[{"stringValue":"NaN"},{"stringValue":"Infinity"},{"stringValue":"-Infinity"},{"doubleValue":1.5}]}"#;
        assert!(body.contains(expected), "{body}");
    }
}
