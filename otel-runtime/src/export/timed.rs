//! Trees for people: one line a span, with its service, its times and a bar on the trace's own time scale.

use std::collections::HashMap;
use std::fmt::Write;

use opentelemetry::trace::{SpanId, Status, TraceId};
use opentelemetry::{KeyValue, Value};

use super::forest::{self, Row};
use super::text;
use super::{Detail, SpanRecord};

/// The columns kind, name and note share: at least the trace's id, at most half of a wide terminal.
const LABEL_COLUMNS: (usize, usize) = (40, 54);
const SERVICE_COLUMNS: (usize, usize) = (7, 18);
const TIME_COLUMNS: usize = 12;
const BAR_COLUMNS: usize = 16;
/// Where details end, as far as there is a choice.
const LINE_COLUMNS: usize = 118;
/// The kind with the space after it; names and details begin there.
const KIND_COLUMNS: usize = 9;
/// Deeper levels are not indented further.
const INDENTED_LEVELS: usize = 16;
/// Names and values are shortened, but not to less than this.
const NAME_MINIMUM: usize = 16;
const VALUE_COLUMNS: (usize, usize) = (40, 100);

/// The spans for people: a tree for each trace, with times, in 80 to 120 columns and without a newline at the end.
///
/// `start` counts from the start of the trace's first span. Long names and values are shortened (`…`), control
/// characters escaped. Where [`Detail`] says so, the service has a column, and attributes, events and links stand
/// below their span.
#[cfg(feature = "testing")]
#[must_use]
pub fn timed_tree(spans: &[SpanRecord], detail: Detail) -> String {
    let mut traces: Vec<(TraceId, Vec<&SpanRecord>)> = Vec::new();
    let mut index = HashMap::new();
    for span in spans {
        let at = *index.entry(span.trace_id).or_insert_with(|| {
            traces.push((span.trace_id, Vec::new()));
            traces.len() - 1
        });
        traces[at].1.push(span);
    }
    traces.sort_by_key(|(_, spans)| spans.iter().map(|span| span.start_unix_nanos).min());
    let trees: Vec<_> = traces
        .iter()
        .map(|(_, spans)| trace(spans, "", detail))
        .collect();
    trees.join("\n\n")
}

/// One trace; the note stands after its id.
pub(super) fn trace(spans: &[&SpanRecord], note: &str, detail: Detail) -> String {
    let rows = forest::rows(spans);
    let Some(first) = rows.first() else {
        return String::new();
    };
    let heading = format!("trace {} {note}", first.span.trace_id);
    let heading = heading.trim_end();
    let mut page = Page::new(spans, &rows, heading.chars().count(), detail);
    page.heading(heading);
    for row in &rows {
        page.span(row);
    }
    page.out.truncate(page.out.trim_end().len());
    page.out
}

struct Page<'a> {
    out: String,
    detail: Detail,
    names: HashMap<(TraceId, SpanId), &'a SpanRecord>,
    label_columns: usize,
    service_columns: usize,
    start: u64,
    length: u64,
}

impl<'a> Page<'a> {
    fn new(spans: &[&'a SpanRecord], rows: &[Row<'_>], heading: usize, detail: Detail) -> Self {
        let widest = rows
            .iter()
            .map(|row| label(row, usize::MAX).chars().count())
            .max();
        let services = spans
            .iter()
            .filter_map(|span| span.service_name())
            .map(|name| name.chars().count());
        let start = spans
            .iter()
            .map(|span| span.start_unix_nanos)
            .min()
            .unwrap_or(0);
        let end = spans
            .iter()
            .map(|span| span.end_unix_nanos)
            .max()
            .unwrap_or(start);
        let label_columns = widest.unwrap_or(0).clamp(LABEL_COLUMNS.0, LABEL_COLUMNS.1);
        Self {
            out: String::new(),
            detail,
            names: spans
                .iter()
                .map(|span| ((span.trace_id, span.span_id), *span))
                .collect(),
            label_columns: label_columns.max(heading),
            service_columns: services
                .max()
                .unwrap_or(0)
                .clamp(SERVICE_COLUMNS.0, SERVICE_COLUMNS.1),
            start,
            length: end.saturating_sub(start),
        }
    }

    fn heading(&mut self, heading: &str) {
        self.columns(heading, "service", "start", "duration", "");
    }

    fn span(&mut self, row: &Row<'_>) {
        let span = row.span;
        let since = span.start_unix_nanos.saturating_sub(self.start);
        let duration = span.end_unix_nanos.saturating_sub(span.start_unix_nanos);
        let service = text::escaped(span.service_name().unwrap_or("-"));
        let bar = self.bar(since, duration);
        self.columns(
            &label(row, self.label_columns),
            &service,
            &milliseconds(since),
            &milliseconds(duration),
            &bar,
        );

        let indent = indent(row) + KIND_COLUMNS;
        match &span.status {
            Status::Unset => {}
            Status::Ok => self.line(indent, "! OK"),
            Status::Error { description } if description.is_empty() => self.line(indent, "! ERROR"),
            Status::Error { description } => {
                let description = Value::String(description.to_string().into());
                let line = format!(
                    "! ERROR: {}",
                    text::short_value(&description, room(indent + 9))
                );
                self.line(indent, &line);
            }
        }
        if self.detail.attributes {
            self.details(indent, span);
        }
    }

    fn details(&mut self, indent: usize, span: &SpanRecord) {
        self.attributes(indent, &span.attributes);
        for event in &span.events {
            let name = text::escaped(&event.name);
            let name = text::shortened(&name, LINE_COLUMNS / 2);
            let since = event.time_unix_nanos.saturating_sub(self.start);
            self.with_attributes(
                indent,
                &format!("* {name} at {}", milliseconds(since)),
                &event.attributes,
            );
        }
        for link in &span.links {
            let line = match self.names.get(&(link.trace_id, link.span_id)) {
                Some(target) => {
                    let name = text::escaped(&target.name);
                    format!(
                        "~ link to {} {}",
                        text::kind(&target.kind),
                        text::shortened(&name, LINE_COLUMNS / 2)
                    )
                }
                None => format!("~ link to span {} of trace {}", link.span_id, link.trace_id),
            };
            self.with_attributes(indent, &line, &link.attributes);
        }
        if let Some(dropped) = text::dropped(span) {
            self.line(indent, &format!("! {dropped}"));
        }
    }

    /// A single attribute goes on the same line if there is room for it, several go below.
    fn with_attributes(&mut self, indent: usize, line: &str, attributes: &[KeyValue]) {
        if let [only] = attributes {
            let longer = format!("{line}  {}", assignment(only, LINE_COLUMNS));
            if indent + longer.chars().count() <= LINE_COLUMNS {
                self.line(indent, &longer);
                return;
            }
        }
        self.line(indent, line);
        self.attributes(indent + 2, attributes);
    }

    fn attributes(&mut self, indent: usize, attributes: &[KeyValue]) {
        for attribute in text::sorted(attributes) {
            let key = attribute.key.as_str().chars().count();
            let line = format!("· {}", assignment(attribute, room(indent + key + 5)));
            self.line(indent, &line);
        }
    }

    fn columns(&mut self, label: &str, service: &str, start: &str, duration: &str, bar: &str) {
        let mut line = format!("{label:<width$}", width = self.label_columns);
        if self.detail.services {
            let service = text::shortened(service, self.service_columns);
            let _ = write!(line, "  {service:<width$}", width = self.service_columns);
        }
        let _ = write!(
            line,
            "{start:>TIME_COLUMNS$}{duration:>TIME_COLUMNS$}  {bar}"
        );
        self.line(0, line.trim_end());
    }

    fn line(&mut self, indent: usize, line: &str) {
        let _ = writeln!(self.out, "{:indent$}{line}", "");
    }

    fn bar(&self, since: u64, duration: u64) -> String {
        let columns = BAR_COLUMNS as u128;
        let length = u128::from(self.length).max(1);
        let column = |nanos: u64| (u128::from(nanos) * columns / length).min(columns);
        let first = column(since).min(columns - 1);
        let last = column(since.saturating_add(duration)).max(first + 1);
        (0..last)
            .map(|at| if at < first { ' ' } else { '━' })
            .collect()
    }
}

/// Indent, kind, name and note; of the name only what fits into `columns`.
fn label(row: &Row<'_>, columns: usize) -> String {
    let note = row
        .parent
        .note()
        .map_or_else(String::new, |note| format!(" {note}"));
    let indent = indent(row);
    let taken = indent + KIND_COLUMNS + note.chars().count();
    let name = text::escaped(&row.span.name);
    let name = text::shortened(&name, columns.saturating_sub(taken).max(NAME_MINIMUM));
    let kind = text::kind(&row.span.kind);
    format!(
        "{:indent$}{kind:<width$}{name}{note}",
        "",
        width = KIND_COLUMNS
    )
}

fn assignment(attribute: &KeyValue, columns: usize) -> String {
    let key = text::escaped(attribute.key.as_str());
    format!("{key} = {}", text::short_value(&attribute.value, columns))
}

/// How many columns are left for a value on a line where so many are taken.
fn room(taken: usize) -> usize {
    LINE_COLUMNS
        .saturating_sub(taken)
        .clamp(VALUE_COLUMNS.0, VALUE_COLUMNS.1)
}

fn indent(row: &Row<'_>) -> usize {
    row.depth.min(INDENTED_LEVELS) * 2
}

fn milliseconds(nanos: u64) -> String {
    const HUNDREDTH: u64 = 10_000;
    let hundredths = nanos.saturating_add(HUNDREDTH / 2) / HUNDREDTH;
    format!("{}.{:02} ms", hundredths / 100, hundredths % 100)
}
