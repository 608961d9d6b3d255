//! What [`RequestTracing`](super::RequestTracing) was told about the requests it sees.

use std::{
    fmt,
    panic::{AssertUnwindSafe, catch_unwind},
    rc::Rc,
};

use actix_web::{
    dev::{ResponseHead, ServiceRequest},
    http::header::{HeaderMap, HeaderName},
};
use opentelemetry::{Array, Key, KeyValue, StringValue, Value};
use opentelemetry_semantic_conventions::attribute::{HTTP_REQUEST_HEADER, HTTP_RESPONSE_HEADER};

use crate::{diagnostics, instrument::http::known_methods};

type OfRequest<T> = Rc<dyn Fn(&ServiceRequest) -> T>;
type OfResponse<T> = Rc<dyn Fn(&ResponseHead) -> T>;

#[derive(Clone)]
pub(super) struct Options {
    pub(super) known_methods: Vec<String>,
    skip_paths: Vec<SkippedPath>,
    skip_if: Vec<OfRequest<bool>>,
    request_headers: Vec<CapturedHeader>,
    response_headers: Vec<CapturedHeader>,
    request_attributes: Vec<OfRequest<Vec<KeyValue>>>,
    response_attributes: Vec<OfResponse<Vec<KeyValue>>>,
    span_name: Option<OfRequest<Option<String>>>,
}

impl Options {
    pub(super) fn new() -> Self {
        Self {
            known_methods: known_methods().to_vec(),
            skip_paths: Vec::new(),
            skip_if: Vec::new(),
            request_headers: Vec::new(),
            response_headers: Vec::new(),
            request_attributes: Vec::new(),
            response_attributes: Vec::new(),
            span_name: None,
        }
    }

    pub(super) fn skip_path(&mut self, path: &str) {
        self.skip_paths.push(SkippedPath::new(path));
    }

    pub(super) fn skip_if(&mut self, skip: impl Fn(&ServiceRequest) -> bool + 'static) {
        self.skip_if.push(Rc::new(skip));
    }

    pub(super) fn request_header(&mut self, name: &str) {
        self.request_headers
            .extend(CapturedHeader::new(HTTP_REQUEST_HEADER, name));
    }

    pub(super) fn response_header(&mut self, name: &str) {
        self.response_headers
            .extend(CapturedHeader::new(HTTP_RESPONSE_HEADER, name));
    }

    pub(super) fn add_request_attributes<I: IntoIterator<Item = KeyValue>>(
        &mut self,
        attributes: impl Fn(&ServiceRequest) -> I + 'static,
    ) {
        let collect = move |request: &ServiceRequest| attributes(request).into_iter().collect();
        self.request_attributes.push(Rc::new(collect));
    }

    pub(super) fn add_response_attributes<I: IntoIterator<Item = KeyValue>>(
        &mut self,
        attributes: impl Fn(&ResponseHead) -> I + 'static,
    ) {
        let collect = move |response: &ResponseHead| attributes(response).into_iter().collect();
        self.response_attributes.push(Rc::new(collect));
    }

    pub(super) fn name_by(&mut self, name: impl Fn(&ServiceRequest) -> Option<String> + 'static) {
        self.span_name = Some(Rc::new(name));
    }

    /// Whether this request, and all that is done for it, makes no spans.
    pub(super) fn skips(&self, request: &ServiceRequest) -> bool {
        self.skip_paths
            .iter()
            .any(|skipped| skipped.matches(request.path()))
            || self.skip_if.iter().any(|skip| quietly(|| skip(request)))
    }

    /// The listed headers of a request, known before its span starts.
    pub(super) fn captured_of_request(
        &self,
        headers: &HeaderMap,
    ) -> impl Iterator<Item = KeyValue> {
        captured(&self.request_headers, headers)
    }

    /// What the user's code says of a request.
    pub(super) fn request_attributes(
        &self,
        request: &ServiceRequest,
    ) -> impl Iterator<Item = KeyValue> {
        self.request_attributes
            .iter()
            .flat_map(move |attributes| quietly(|| attributes(request)))
    }

    /// The listed headers of a response, and what the user's code says of it.
    pub(super) fn response_attributes(
        &self,
        response: &ResponseHead,
    ) -> impl Iterator<Item = KeyValue> {
        captured(&self.response_headers, response.headers()).chain(
            self.response_attributes
                .iter()
                .flat_map(move |attributes| quietly(|| attributes(response))),
        )
    }

    /// Whether anything but the status is of interest in a response.
    pub(super) fn look_at_responses(&self) -> bool {
        !self.response_headers.is_empty() || !self.response_attributes.is_empty()
    }

    /// Whether there is anything that the user's code says of requests.
    pub(super) fn look_at_requests(&self) -> bool {
        !self.request_attributes.is_empty()
    }

    /// Whether the user's code names spans.
    pub(super) fn names(&self) -> bool {
        self.span_name.is_some()
    }

    /// The user's own name for the span.
    pub(super) fn span_name(&self, request: &ServiceRequest) -> Option<String> {
        self.span_name
            .as_ref()
            .and_then(|name| quietly(|| name(request)))
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options")
            .field("known_methods", &self.known_methods)
            .field("skip_paths", &self.skip_paths)
            .field("request_headers", &self.request_headers)
            .field("response_headers", &self.response_headers)
            .finish_non_exhaustive()
    }
}

/// A path, or the beginning of paths.
#[derive(Clone, Debug)]
enum SkippedPath {
    Exact(Box<str>),
    Below(Box<str>),
}

impl SkippedPath {
    fn new(path: &str) -> Self {
        match path.strip_suffix('*') {
            Some(beginning) => Self::Below(beginning.into()),
            None => Self::Exact(path.into()),
        }
    }

    fn matches(&self, path: &str) -> bool {
        match self {
            Self::Exact(skipped) => **skipped == *path,
            Self::Below(beginning) => path.starts_with(&**beginning),
        }
    }
}

/// A header that is recorded, and the attribute that it becomes.
#[derive(Clone, Debug)]
struct CapturedHeader {
    name: HeaderName,
    key: Key,
}

impl CapturedHeader {
    /// `None`, with a warning, where no header can have the name.
    fn new(prefix: &str, name: &str) -> Option<Self> {
        let Ok(name) = HeaderName::from_bytes(name.as_bytes()) else {
            diagnostics::warn(&format!(
                "no header can be called `{name}`, so it is not recorded"
            ));
            return None;
        };
        // The name is in lower case now, as the conventions want it in the key.
        let key = Key::new(format!("{prefix}.{name}"));
        Some(Self { name, key })
    }

    fn read(&self, headers: &HeaderMap) -> Option<KeyValue> {
        let values: Vec<StringValue> = headers
            .get_all(&self.name)
            .map(|value| {
                String::from_utf8_lossy(value.as_bytes())
                    .into_owned()
                    .into()
            })
            .collect();
        let value = Value::Array(Array::String(values));
        headers
            .contains_key(&self.name)
            .then(|| KeyValue::new(self.key.clone(), value))
    }
}

fn captured(list: &[CapturedHeader], headers: &HeaderMap) -> impl Iterator<Item = KeyValue> {
    list.iter().filter_map(|header| header.read(headers))
}

/// Runs code of the user's; a panic in it costs what it would have told, not the request.
fn quietly<T: Default>(work: impl FnOnce() -> T) -> T {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_default()
}
