//! What stands in a journal: fields of Protocol Buffers, one after the other, so that one that was cut off is noticed.

use std::collections::HashMap;
use std::sync::atomic::AtomicU64;

use opentelemetry::InstrumentationScope;
use opentelemetry::trace::SpanId;

use super::super::entries::{Entries, Reader};
use super::super::record::Head;
use super::super::scope::Source;
use super::super::wire::{self, Fields, Value};
use super::super::{attributes, decode, encode, field};

/// Another one is not read.
const THIS_FORMAT: u64 = 1;

/// The number of the format, and the service that the spans are of.
const FORMAT: u8 = 1;
const SERVICE: u8 = 2;
/// A span as far as it is known; one of the same id that comes later takes its place.
const SPAN: u8 = 3;
/// The ids of spans that need not be kept any more.
const DONE: u8 = 4;

/// Fields of a span.
mod span {
    /// See [`Head`](super::Head).
    pub(super) const HEAD: u8 = 1;
    /// All others that an OTLP span has.
    pub(super) const FIELDS: u8 = 2;
    pub(super) const SCOPE_NAME: u8 = 3;
    pub(super) const SCOPE_VERSION: u8 = 4;
    pub(super) const SCOPE_SCHEMA_URL: u8 = 5;
    pub(super) const SCOPE_ATTRIBUTES: u8 = 6;
}

/// A span as it is known.
#[derive(Debug)]
pub(in super::super) struct Known {
    /// Its end is 0 as long as it is open.
    pub(in super::super) head: Head,
    pub(in super::super) source: Source,
    /// Whether its name is among the entries.
    pub(in super::super) is_named: bool,
    pub(in super::super) entries: Box<[u64]>,
}

/// What a journal begins with.
pub(super) fn beginning(service: &str) -> Vec<u8> {
    let mut out = Vec::new();
    wire::number(&mut out, FORMAT, THIS_FORMAT);
    wire::bytes(&mut out, SERVICE, service.as_bytes());
    out
}

/// The frame of a span.
pub(super) fn span(known: &Known) -> Vec<u8> {
    let (scope, name, constants) = match &known.source {
        Source::Site(label) => {
            let name = (!known.is_named).then_some(label.name);
            (label.scope, name, &label.constants)
        }
        Source::Tracer(scope) => (&**scope, None, &attributes::NONE),
    };
    let entries: Vec<AtomicU64> = known.entries.iter().map(|word| (*word).into()).collect();
    let mut fields = Vec::new();
    encode::fields(
        constants,
        Reader(&entries),
        &mut encode::Scratch::default(),
        &mut fields,
    );
    wire::bytes_if_any(
        &mut fields,
        field::NAME,
        name.unwrap_or_default().as_bytes(),
    );
    let mut out = Vec::new();
    wire::nested(&mut out, SPAN, |out| {
        wire::bytes(out, span::HEAD, &known.head.to_bytes());
        wire::bytes_if_any(out, span::FIELDS, &fields);
        wire::bytes_if_any(out, span::SCOPE_NAME, scope.name().as_bytes());
        let version = scope.version().unwrap_or_default();
        wire::bytes_if_any(out, span::SCOPE_VERSION, version.as_bytes());
        let schema_url = scope.schema_url().unwrap_or_default();
        wire::bytes_if_any(out, span::SCOPE_SCHEMA_URL, schema_url.as_bytes());
        let mut list = Entries::unlimited();
        list.extend(scope.attributes().cloned());
        let of_scope = encode::attributes(&list, span::SCOPE_ATTRIBUTES);
        out.extend_from_slice(of_scope.bytes());
    });
    out
}

/// The frame that says of these spans that they need not be kept any more.
pub(super) fn done(ids: &[SpanId]) -> Vec<u8> {
    let ids: Vec<u8> = ids.iter().flat_map(|id| id.to_bytes()).collect();
    let mut out = Vec::new();
    wire::bytes(&mut out, DONE, &ids);
    out
}

/// A span of a journal.
#[derive(Debug)]
pub(super) struct Kept {
    pub(super) head: Head,
    pub(super) fields: Vec<u8>,
    pub(super) scope: InstrumentationScope,
}

impl Kept {
    /// A span that was open is over, by then at the latest, with an error.
    pub(super) fn end_if_open(&mut self, seen: u64) {
        if self.head.end != 0 {
            return;
        }
        self.head.end = seen.max(self.head.start);
        wire::nested(&mut self.fields, field::STATUS, |out| {
            wire::bytes(out, field::status::MESSAGE, super::INTERRUPTED.as_bytes());
            wire::number(out, field::status::CODE, field::status::ERROR);
        });
    }
}

/// The spans that are to be kept, of a journal that is read up to where it is cut off or broken; `None` where it is none of
/// this format.
pub(super) fn read(journal: &[u8]) -> Option<HashMap<SpanId, Kept>> {
    let mut frames = Fields(journal);
    if frames.next() != Some((FORMAT, Value::Number(THIS_FORMAT))) {
        return None;
    }
    let mut spans = HashMap::new();
    let _: Option<()> =
        frames.try_for_each(|(frame, value)| take(frame, value.bytes()?, &mut spans));
    Some(spans)
}

/// `None` where this is no frame.
fn take(frame: u8, bytes: &[u8], spans: &mut HashMap<SpanId, Kept>) -> Option<()> {
    match frame {
        SERVICE => {}
        SPAN => {
            let kept = kept(bytes)?;
            spans.insert(kept.head.span_id, kept);
        }
        DONE => {
            for id in bytes.as_chunks().0 {
                spans.remove(&SpanId::from_bytes(*id));
            }
        }
        _ => return None,
    }
    Some(())
}

fn kept(bytes: &[u8]) -> Option<Kept> {
    let (mut head, mut fields) = (None, Vec::new());
    let (mut name, mut version, mut schema_url) = (String::new(), None, None);
    let mut of_scope = Vec::new();
    for (field, value) in Fields(bytes) {
        let bytes = value.bytes()?;
        let text = || String::from_utf8(bytes.to_vec()).ok();
        match field {
            span::HEAD => head = Head::from_bytes(bytes),
            span::FIELDS => fields = bytes.to_vec(),
            span::SCOPE_NAME => name = text()?,
            span::SCOPE_VERSION => version = text(),
            span::SCOPE_SCHEMA_URL => schema_url = text(),
            span::SCOPE_ATTRIBUTES => of_scope.push(decode::attribute(bytes)?),
            _ => return None,
        }
    }
    let mut scope = InstrumentationScope::builder(name).with_attributes(of_scope);
    if let Some(version) = version {
        scope = scope.with_version(version);
    }
    if let Some(schema_url) = schema_url {
        scope = scope.with_schema_url(schema_url);
    }
    Some(Kept {
        head: head?,
        fields,
        scope: scope.build(),
    })
}
