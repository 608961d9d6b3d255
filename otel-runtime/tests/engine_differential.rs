//! The same random trees of spans through this crate's engine and through the SDK: what comes out must be the same, apart
//! from ids, and from times that nobody set.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use opentelemetry::trace::{
    Event, Link, Span as _, SpanBuilder, SpanContext, SpanId, SpanKind, Status,
    TraceContextExt as _, TraceFlags, TraceId, TraceState, Tracer as _,
};
use opentelemetry::{Array, Context, InstrumentationScope, KeyValue, Value, global};
use opentelemetry_proto::tonic::trace::v1::Span;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{SpanData, SpanExporter};
use otel_runtime::Builder;
use rand::rngs::SmallRng;
use rand::seq::IndexedRandom as _;
use rand::{Rng as _, SeedableRng as _};

const TREES: u64 = 2_000;

/// Keys are few, so that they often come again.
const KEYS: [&str; 6] = ["a", "b", "user.id", "http.request.method", "", "ключ"];
const TEXTS: [&str; 6] = [
    "",
    "x",
    "übermut",
    "a \"quoted\" text",
    "日本語",
    "line\nbreak",
];

/// What is done to the two providers.
#[derive(Clone, Debug)]
struct Tree {
    remote: Option<SpanContext>,
    spans: Vec<Spanned>,
}

#[derive(Clone, Debug)]
struct Spanned {
    /// Which of the earlier ones is the parent; there is none for the first.
    parent: usize,
    scope: usize,
    builder: SpanBuilder,
    late: Vec<Late>,
    end: SystemTime,
}

#[derive(Clone, Debug)]
enum Late {
    Attribute(KeyValue),
    Event(Event),
    Link(SpanContext, Vec<KeyValue>),
    Status(Status),
    Name(&'static str),
}

struct Random(SmallRng);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0.random_range(0..end)
    }

    fn text(&mut self) -> &'static str {
        TEXTS.choose(&mut self.0).expect("there are texts")
    }

    /// Now and then a list is so long that it meets the limits of a span.
    fn list<T>(&mut self, most: usize, make: impl Fn(&mut Self) -> T) -> Vec<T> {
        let most = if self.below(50) == 0 { most * 60 } else { most };
        let length = self.below(most + 1);
        (0..length).map(|_| make(self)).collect()
    }

    fn value(&mut self) -> Value {
        match self.below(9) {
            0 => Value::Bool(self.0.random()),
            1 => Value::I64(self.0.random()),
            2 => Value::I64(i64::from(self.0.random::<i8>())),
            3 => Value::F64(self.0.random()),
            4 => Value::Array(Array::Bool(self.list(3, |random| random.0.random()))),
            5 => Value::Array(Array::I64(self.list(3, |random| random.0.random()))),
            6 => Value::Array(Array::F64(self.list(3, |random| random.0.random()))),
            7 => Value::Array(Array::String(self.list(3, |random| random.text().into()))),
            _ => Value::String(self.text().repeat(self.below(40)).into()),
        }
    }

    fn attributes(&mut self, most: usize) -> Vec<KeyValue> {
        self.list(most, |random| {
            let key = *KEYS.choose(&mut random.0).expect("there are keys");
            KeyValue::new(key, random.value())
        })
    }

    fn time(&mut self) -> SystemTime {
        UNIX_EPOCH + Duration::from_nanos(self.0.random_range(1..4_000_000_000_000_000_000))
    }

    fn event(&mut self) -> Event {
        Event::new(self.text(), self.time(), self.attributes(5), 0)
    }

    fn span_context(&mut self) -> SpanContext {
        let state = match self.below(3) {
            0 => TraceState::from_key_value([("vendor", "value"), ("other", "1")]),
            _ => Ok(TraceState::NONE),
        };
        SpanContext::new(
            TraceId::from(self.0.random_range(1..u128::MAX)),
            SpanId::from(self.0.random_range(1..u64::MAX)),
            TraceFlags::new(self.0.random()).with_sampled(self.below(4) > 0),
            self.0.random(),
            state.expect("a trace state"),
        )
    }

    fn status(&mut self) -> Status {
        match self.below(3) {
            0 => Status::Unset,
            1 => Status::Ok,
            _ => Status::error(self.text()),
        }
    }

    fn builder(&mut self) -> SpanBuilder {
        let kinds = [
            SpanKind::Internal,
            SpanKind::Server,
            SpanKind::Client,
            SpanKind::Producer,
            SpanKind::Consumer,
        ];
        let mut builder = SpanBuilder::from_name(self.text());
        builder.start_time = Some(self.time());
        builder.span_kind = kinds.choose(&mut self.0).cloned();
        builder.attributes = Some(self.attributes(8));
        builder.events = Some(self.list(3, Self::event));
        builder.links = Some(self.list(3, |random| {
            Link::new(random.span_context(), random.attributes(5), 0)
        }));
        builder
    }

    fn late(&mut self) -> Late {
        match self.below(5) {
            0 => Late::Event(self.event()),
            1 => Late::Link(self.span_context(), self.attributes(5)),
            2 => Late::Status(self.status()),
            3 => Late::Name(self.text()),
            _ => Late::Attribute(KeyValue::new(KEYS[self.below(KEYS.len())], self.value())),
        }
    }

    fn tree(&mut self) -> Tree {
        let remote = (self.below(2) == 0).then(|| self.span_context());
        let count = 1 + self.below(8);
        let spans = (0..count).map(|index| Spanned {
            parent: self.below(index.max(1)),
            scope: self.below(3),
            builder: self.builder(),
            late: self.list(10, Self::late),
            end: self.time(),
        });
        Tree {
            remote,
            spans: spans.collect(),
        }
    }
}

impl Tree {
    /// Makes the spans; the answer is the ids that they got.
    fn make(&self) -> Vec<SpanId> {
        let scopes = [
            InstrumentationScope::builder("plain").build(),
            InstrumentationScope::builder("versioned")
                .with_version("1.2.3")
                .build(),
            InstrumentationScope::builder("whole")
                .with_schema_url("https://opentelemetry.io/schemas/1.40.0")
                .with_attributes([KeyValue::new("scope", true)])
                .build(),
        ];
        let root = match &self.remote {
            Some(remote) => Context::new().with_remote_span_context(remote.clone()),
            None => Context::new(),
        };
        let mut contexts: Vec<Context> = Vec::new();
        for spanned in &self.spans {
            let parent = contexts.get(spanned.parent).unwrap_or(&root);
            let tracer = global::tracer_with_scope(scopes[spanned.scope].clone());
            let mut span = tracer.build_with_context(spanned.builder.clone(), parent);
            for late in spanned.late.iter().cloned() {
                match late {
                    Late::Attribute(attribute) => span.set_attribute(attribute),
                    Late::Event(event) => {
                        span.add_event_with_timestamp(
                            event.name,
                            event.timestamp,
                            event.attributes,
                        );
                    }
                    Late::Link(target, attributes) => span.add_link(target, attributes),
                    Late::Status(status) => span.set_status(status),
                    Late::Name(name) => span.update_name(name),
                }
            }
            contexts.push(parent.with_span(span));
        }
        for (context, spanned) in contexts.iter().zip(&self.spans).rev() {
            context.span().end_with_timestamp(spanned.end);
        }
        let ids = contexts.iter();
        ids.map(|context| context.span().span_context().span_id())
            .collect()
    }
}

#[derive(Clone, Debug, Default)]
struct Collected(Arc<Mutex<Vec<SpanData>>>);

impl SpanExporter for Collected {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        self.0.lock().expect("no panic").extend(batch);
        Ok(())
    }
}

/// All trees through one provider: what came out of it of each tree, its ids replaced by numbers.
fn record(trees: &[Tree], builder: impl FnOnce(Builder, Collected) -> Builder) -> Vec<String> {
    let collected = Collected::default();
    let telemetry = builder(otel_runtime::builder(), collected.clone())
        .init()
        .expect("telemetry starts");
    let made: Vec<_> = trees.iter().map(Tree::make).collect();
    telemetry.force_flush().expect("spans are exported");
    let spans = std::mem::take(&mut *collected.0.lock().expect("no panic"));
    let mut by_id: HashMap<SpanId, SpanData> = spans
        .into_iter()
        .map(|span| (span.span_context.span_id(), span))
        .collect();
    let texts = trees
        .iter()
        .zip(made)
        .map(|(tree, ids)| text(tree, &ids, &mut by_id))
        .collect();
    assert!(by_id.is_empty(), "spans of no tree: {by_id:?}");
    texts
}

fn text(tree: &Tree, ids: &[SpanId], spans: &mut HashMap<SpanId, SpanData>) -> String {
    let mut text = String::new();
    for id in ids {
        let Some(mut span) = spans.remove(id) else {
            text += "not exported\n";
            continue;
        };
        let parent = ids.iter().position(|id| *id == span.parent_span_id);
        let trace = tree.remote.as_ref().map(SpanContext::trace_id);
        let is_in_trace = trace.is_none_or(|trace| trace == span.span_context.trace_id());
        if parent.is_some() {
            span.parent_span_id = SpanId::INVALID;
        }
        let scope = span.instrumentation_scope.clone();
        let message = Span {
            trace_id: Vec::new(),
            span_id: Vec::new(),
            ..Span::from(span)
        };
        let _ = writeln!(text, "{parent:?} {is_in_trace} {scope:?} {message:?}");
    }
    text
}

#[test]
fn no_difference_to_the_sdk() {
    let mut random = Random(SmallRng::seed_from_u64(7));
    let trees: Vec<_> = (0..TREES).map(|_| random.tree()).collect();
    let sdk = record(&trees, Builder::span_exporter);
    let engine = record(&trees, Builder::batch_span_exporter);
    for ((tree, sdk), engine) in trees.iter().zip(&sdk).zip(&engine) {
        assert_eq!(engine, sdk, "{tree:#?}");
    }
    assert!(sdk.iter().any(|text| text.contains("not exported")));
}
