//! Trees for assertions: the same text for the same behaviour, every time.

use std::collections::HashMap;
use std::fmt::Write;

use opentelemetry::KeyValue;
use opentelemetry::trace::{SpanId, Status, TraceId};

use super::forest::{self, Row};
use super::text;
use super::{Detail, SpanRecord};

/// The spans as an indented tree without times and ids, to compare with the text a test expects.
///
/// One line a span, two spaces a level, siblings by start time; no newline at the end. Where [`Detail`] says so, the
/// service follows in brackets and, four spaces deeper than the span, the attributes sorted by key, the events and the
/// links. A span whose parent is not among `spans` is a root and says so.
///
/// ```text
/// SERVER POST /api/v1/bookings/ [dispo] (remote parent)
///     · http.response.status_code = 500
///   INTERNAL booking.create [dispo] ERROR: room 7 is closed
///       · room.id = 7
///       * exception
///         · exception.message = "room 7 is closed"
///       ~ link to PRODUCER send booking.created
/// ```
#[must_use]
pub fn tree(spans: &[SpanRecord], detail: Detail) -> String {
    let spans: Vec<_> = spans.iter().collect();
    let names = spans
        .iter()
        .map(|span| ((span.trace_id, span.span_id), *span))
        .collect();
    let mut writer = Writer {
        out: String::new(),
        detail,
        names,
    };
    for row in forest::rows(&spans) {
        writer.span(&row);
    }
    writer.out.truncate(writer.out.trim_end_matches('\n').len());
    writer.out
}

struct Writer<'a> {
    out: String,
    detail: Detail,
    names: HashMap<(TraceId, SpanId), &'a SpanRecord>,
}

impl Writer<'_> {
    fn span(&mut self, row: &Row<'_>) {
        let span = row.span;
        let mut line = title(span);
        if let (true, Some(service)) = (self.detail.services, span.service_name()) {
            let _ = write!(line, " [{}]", text::escaped(service));
        }
        if let Some(note) = row.parent.note() {
            let _ = write!(line, " {note}");
        }
        match &span.status {
            Status::Unset => {}
            Status::Ok => line.push_str(" OK"),
            Status::Error { description } if description.is_empty() => line.push_str(" ERROR"),
            Status::Error { description } => {
                let _ = write!(line, " ERROR: {}", text::escaped(description));
            }
        }
        let indent = row.depth * 2;
        self.line(indent, &line);
        if self.detail.attributes {
            self.details(indent + 4, span);
        }
    }

    fn details(&mut self, indent: usize, span: &SpanRecord) {
        self.attributes(indent, &span.attributes);
        for event in &span.events {
            self.line(indent, &format!("* {}", text::escaped(&event.name)));
            self.attributes(indent + 2, &event.attributes);
        }
        for link in &span.links {
            let target = self.names.get(&(link.trace_id, link.span_id));
            let line = target.map_or_else(
                || "~ link".to_owned(),
                |target| format!("~ link to {}", title(target)),
            );
            self.line(indent, &line);
            self.attributes(indent + 2, &link.attributes);
        }
        if let Some(dropped) = text::dropped(span) {
            self.line(indent, &format!("! {dropped}"));
        }
    }

    fn attributes(&mut self, indent: usize, attributes: &[KeyValue]) {
        for attribute in text::sorted(attributes) {
            let key = text::escaped(attribute.key.as_str());
            self.line(
                indent,
                &format!("· {key} = {}", text::value(&attribute.value)),
            );
        }
    }

    fn line(&mut self, indent: usize, line: &str) {
        let _ = writeln!(self.out, "{:indent$}{line}", "");
    }
}

fn title(span: &SpanRecord) -> String {
    format!("{} {}", text::kind(&span.kind), text::escaped(&span.name))
}
