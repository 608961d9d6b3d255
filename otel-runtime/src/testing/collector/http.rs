//! OTLP/HTTP: `POST /v1/traces` or `/v1/logs` with a protobuf body, plain or compressed.

use std::convert::Infallible;
use std::io::Read;
use std::sync::Arc;
use std::time::Duration;

use flate2::read::MultiGzDecoder;
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::header::{ALLOW, CONTENT_ENCODING, CONTENT_TYPE, HeaderName, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{HeaderMap, Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use prost::Message;
use tokio::net::TcpListener;

use super::MESSAGE_BYTES;
use super::store::{self, Protocol, Store};

const PROTOBUF: HeaderValue = HeaderValue::from_static("application/x-protobuf");
/// How long to leave the listener alone when it has an error, most often that there are too many open files.
const AFTER_ERROR: Duration = Duration::from_millis(20);

/// Serves until its runtime ends.
pub(super) async fn serve(listener: TcpListener, store: Arc<Store>) {
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            tokio::time::sleep(AFTER_ERROR).await;
            continue;
        };
        let store = Arc::clone(&store);
        tokio::spawn(async move {
            let service = service_fn(|request| answer(request, &store));
            let connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
            // The sender's side of a broken connection tells more than ours could.
            let _ = connection.await;
        });
    }
}

async fn answer(
    request: Request<Incoming>,
    store: &Store,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let path = request.uri().path().to_owned();
    Ok(match take(request, store).await {
        Ok(response) => protobuf(StatusCode::OK, response),
        Err(refusal) => {
            store.refused(store::Refusal {
                path,
                status: refusal.status.as_u16(),
                reason: refusal.message.clone(),
            });
            refusal.into_response()
        }
    })
}

/// Why a request is not taken.
struct Refusal {
    status: StatusCode,
    message: String,
}

async fn take(request: Request<Incoming>, store: &Store) -> Result<Vec<u8>, Refusal> {
    let (head, body) = request.into_parts();
    let answer: fn(&Store, Bytes, bool) -> Result<_, _> = match head.uri.path() {
        "/v1/traces" => take_spans,
        "/v1/logs" => take_logs,
        _ => {
            return Err(refusal(
                StatusCode::NOT_FOUND,
                "traces are taken at /v1/traces, logs at /v1/logs",
            ));
        }
    };
    if head.method != Method::POST {
        return Err(refusal(
            StatusCode::METHOD_NOT_ALLOWED,
            "traces and logs are taken by POST",
        ));
    }
    if media_type(&head.headers) != PROTOBUF.as_bytes() {
        return Err(refusal(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "the content type must be application/x-protobuf",
        ));
    }
    let gzip = match trimmed(&head.headers, CONTENT_ENCODING)
        .to_ascii_lowercase()
        .as_slice()
    {
        b"" | b"identity" => false,
        b"gzip" => true,
        _ => {
            return Err(refusal(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "the content encoding must be gzip or none",
            ));
        }
    };
    let body = match Limited::new(body, MESSAGE_BYTES).collect().await {
        Ok(body) => body.to_bytes(),
        Err(error) if error.is::<LengthLimitError>() => return Err(too_large()),
        Err(error) => {
            return Err(refusal(
                StatusCode::BAD_REQUEST,
                &format!("the body broke off: {error}"),
            ));
        }
    };
    let body = if gzip {
        Bytes::from(decompressed(&body)?)
    } else {
        body
    };
    answer(store, body, gzip)
}

fn take_spans(store: &Store, body: Bytes, gzip: bool) -> Result<Vec<u8>, Refusal> {
    let request = decoded::<ExportTraceServiceRequest>(body, "trace")?;
    let answer = store.take_spans(request, Protocol::Http, gzip);
    Ok(answer.encode_to_vec())
}

fn take_logs(store: &Store, body: Bytes, gzip: bool) -> Result<Vec<u8>, Refusal> {
    let request = decoded::<ExportLogsServiceRequest>(body, "log")?;
    let answer = store.take_logs(request, Protocol::Http, gzip);
    Ok(answer.encode_to_vec())
}

fn decoded<M: Message + Default>(body: Bytes, signal: &str) -> Result<M, Refusal> {
    M::decode(body).map_err(|error| {
        refusal(
            StatusCode::BAD_REQUEST,
            &format!("the body is no {signal} export: {error}"),
        )
    })
}

fn decompressed(body: &[u8]) -> Result<Vec<u8>, Refusal> {
    let mut plain = Vec::new();
    MultiGzDecoder::new(body)
        .take(MESSAGE_BYTES as u64 + 1)
        .read_to_end(&mut plain)
        .map_err(|error| {
            refusal(
                StatusCode::BAD_REQUEST,
                &format!("the body is not gzip: {error}"),
            )
        })?;
    if plain.len() > MESSAGE_BYTES {
        Err(too_large())
    } else {
        Ok(plain)
    }
}

/// The content type without its parameters, in lower case.
fn media_type(headers: &HeaderMap) -> Vec<u8> {
    let value = trimmed(headers, CONTENT_TYPE);
    let end = value
        .iter()
        .position(|&byte| byte == b';')
        .unwrap_or(value.len());
    value[..end].trim_ascii().to_ascii_lowercase()
}

fn trimmed(headers: &HeaderMap, name: HeaderName) -> &[u8] {
    headers
        .get(name)
        .map_or(b"", |value| value.as_bytes().trim_ascii())
}

fn too_large() -> Refusal {
    refusal(
        StatusCode::PAYLOAD_TOO_LARGE,
        &format!("the body has more than {MESSAGE_BYTES} bytes"),
    )
}

fn refusal(status: StatusCode, message: &str) -> Refusal {
    Refusal {
        status,
        message: message.to_owned(),
    }
}

impl Refusal {
    /// The body is a `google.rpc.Status`, of which OTLP wants the field `message`, number 2.
    fn into_response(self) -> Response<Full<Bytes>> {
        let mut body = Vec::new();
        prost::encoding::string::encode(2, &self.message, &mut body);
        let mut response = protobuf(self.status, body);
        if self.status == StatusCode::METHOD_NOT_ALLOWED {
            response
                .headers_mut()
                .insert(ALLOW, HeaderValue::from_static("POST"));
        }
        response
    }
}

fn protobuf(status: StatusCode, body: Vec<u8>) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(body)));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, PROTOBUF);
    response
}
