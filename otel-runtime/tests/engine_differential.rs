//! The same random trees of spans through this crate's engine and through the SDK with its own exporter: what they send by
//! OTLP must be the same, apart from ids.

mod child;
mod sink;

use std::collections::{HashMap, HashSet};
use std::fmt::Write as _;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use opentelemetry::trace::{
    Event, Link, Span as _, SpanBuilder, SpanContext, SpanId, SpanKind, Status,
    TraceContextExt as _, TraceFlags, TraceId, TraceState, Tracer as _,
};
use opentelemetry::{Array, Context, InstrumentationScope, KeyValue, Value, global};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message as _;
use rand::rngs::SmallRng;
use rand::seq::IndexedRandom as _;
use rand::{Rng as _, SeedableRng as _};
use sink::Sink;

const TREES: u64 = 3_000;

const PATIENCE: Duration = Duration::from_mins(1);

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
    /// Makes the spans.
    fn make(&self) {
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
    }
}

impl Spanned {
    fn start(&self) -> u64 {
        let start = self.builder.start_time.expect("a start");
        let since = start.duration_since(UNIX_EPOCH).expect("a later time");
        u64::try_from(since.as_nanos()).expect("an earlier time")
    }
}

/// The variable that makes this test binary the process under test: who makes its spans.
const CHILD: &str = "TEST_DIFFERENTIAL_CHILD";

#[test]
fn child_process() {
    let Ok(provider) = std::env::var(CHILD) else {
        return;
    };
    let builder = otel_runtime::builder()
        .service_name("differential")
        .resource_attribute(KeyValue::new(
            "numbers",
            Value::Array(vec![1_i64, 2].into()),
        ));
    let telemetry = match provider.as_str() {
        "sdk" => builder.sdk_provider(),
        _ => builder,
    };
    let telemetry = telemetry.init().expect("telemetry starts");
    assert_eq!(telemetry.span_counts().is_some(), provider == "engine");
    for tree in trees() {
        tree.make();
    }
    telemetry.shutdown(PATIENCE).expect("spans are exported");
}

fn trees() -> Vec<Tree> {
    let mut random = Random(SmallRng::seed_from_u64(7));
    (0..TREES).map(|_| random.tree()).collect()
}

/// The spans that a provider sends, each with its scope, and what it says of the process.
struct Sent {
    resources: HashSet<String>,
    /// By the time of their start, which no two have in common.
    spans: HashMap<u64, (String, Span)>,
}

/// All trees through one provider, in a process of its own.
fn record(provider: &str) -> Sent {
    let sink = Sink::start(|_| sink::OK);
    let output = child::command(CHILD, provider)
        .env("OTEL_EXPORTER_OTLP_ENDPOINT", &sink.endpoint)
        .env("OTEL_BSP_MAX_QUEUE_SIZE", "50000")
        .output()
        .expect("the test runs again");
    assert!(output.status.success(), "{output:?}");
    let mut sent = Sent {
        resources: HashSet::new(),
        spans: HashMap::new(),
    };
    for request in sink.received() {
        let request = ExportTraceServiceRequest::decode(&*request.body).expect("a request");
        for of_resource in request.resource_spans {
            let mut resource = of_resource.resource.expect("a resource");
            resource.attributes.sort_by(|a, b| a.key.cmp(&b.key));
            sent.resources
                .insert(format!("{resource:?} {}", of_resource.schema_url));
            for of_scope in of_resource.scope_spans {
                let scope = format!("{:?} {}", of_scope.scope, of_scope.schema_url);
                for span in of_scope.spans {
                    let start = span.start_time_unix_nano;
                    let before = sent.spans.insert(start, (scope.clone(), span));
                    assert!(before.is_none(), "two spans start at {start}");
                }
            }
        }
    }
    sent
}

/// The spans of a tree, their ids replaced by numbers.
fn text(tree: &Tree, sent: &Sent) -> String {
    let spans: Vec<_> = tree
        .spans
        .iter()
        .map(|spanned| sent.spans.get(&spanned.start()))
        .collect();
    let mut text = String::new();
    for sent in &spans {
        let Some((scope, span)) = sent else {
            text += "not exported\n";
            continue;
        };
        let parent = spans
            .iter()
            .position(|other| other.is_some_and(|(_, other)| other.span_id == span.parent_span_id));
        let trace = tree.remote.as_ref().map(SpanContext::trace_id);
        let is_in_trace = trace.is_none_or(|trace| trace.to_bytes() == *span.trace_id);
        let rest = Span {
            trace_id: Vec::new(),
            span_id: Vec::new(),
            parent_span_id: match parent {
                Some(_) => Vec::new(),
                None => span.parent_span_id.clone(),
            },
            // That there is none means the same, by the protocol.
            status: Some(span.status.clone().unwrap_or_default()),
            ..span.clone()
        };
        let _ = writeln!(text, "{parent:?} {is_in_trace} {scope} {rest:?}");
    }
    text
}

#[test]
fn no_difference_to_the_sdk() {
    let trees = trees();
    let (sdk, engine) = (record("sdk"), record("engine"));
    assert_eq!(engine.resources, sdk.resources);
    assert_eq!(engine.spans.len(), sdk.spans.len());
    let mut are_missing = false;
    for tree in &trees {
        let sdk = text(tree, &sdk);
        assert_eq!(text(tree, &engine), sdk, "{tree:#?}");
        are_missing |= sdk.contains("not exported");
    }
    assert!(are_missing, "no tree was left out by its parent");
}
