//! The `traceparent` header, read as strictly as it is defined, and written fast.

use std::str::FromStr as _;

use opentelemetry::Context;
use opentelemetry::propagation::text_map_propagator::FieldIter;
use opentelemetry::propagation::{Extractor, Injector, TextMapPropagator};
use opentelemetry::trace::{
    SpanContext, SpanId, TraceContextExt as _, TraceFlags, TraceId, TraceState,
};
use opentelemetry_sdk::propagation::TraceContextPropagator;

use crate::hex;

const TRACEPARENT: &str = "traceparent";
const TRACESTATE: &str = "tracestate";

/// How long the header is in the version that is written, where later ones may append parts.
const LENGTH: usize = 55;

/// Does as the SDK's propagator, with these exceptions: what is not well formed, as ids that are too short or a header that
/// comes twice, starts a new trace; a `tracestate` may come in several headers; and one that is empty is not written.
#[derive(Debug, Default)]
pub(crate) struct TraceContext(TraceContextPropagator);

impl TextMapPropagator for TraceContext {
    fn inject_context(&self, context: &Context, injector: &mut dyn Injector) {
        let span = context.span();
        let span = span.span_context();
        if !span.is_valid() {
            return;
        }
        injector.set(TRACEPARENT, write(span));
        if *span.trace_state() != TraceState::NONE {
            let state = span.trace_state().header();
            if !state.is_empty() {
                injector.set(TRACESTATE, state);
            }
        }
    }

    fn extract_with_context(&self, context: &Context, extractor: &dyn Extractor) -> Context {
        let header = extractor.get(TRACEPARENT);
        let parent = header.and_then(|header| read(header.trim()));
        let Some((trace_id, span_id, flags)) = parent.filter(|_| !is_repeated(extractor)) else {
            return context.clone();
        };
        let state = state(extractor).unwrap_or_default();
        context.with_remote_span_context(SpanContext::new(trace_id, span_id, flags, true, state))
    }

    fn fields(&self) -> FieldIter<'_> {
        self.0.fields()
    }
}

/// Which of several parents would be the right one cannot be told.
fn is_repeated(extractor: &dyn Extractor) -> bool {
    let all = extractor.get_all(TRACEPARENT);
    all.is_some_and(|all| all.len() > 1)
}

/// The header may come in parts, which are read as one; what is not well formed is as if it was not there.
/// <https://www.w3.org/TR/trace-context/#combined-header-value>
fn state(extractor: &dyn Extractor) -> Option<TraceState> {
    // Most often there is none, which is found out without a list.
    let first = extractor.get(TRACESTATE)?;
    let parts = extractor.get_all(TRACESTATE).unwrap_or_else(|| vec![first]);
    let entries = parts.iter().flat_map(|part| part.split(','));
    let entries: Vec<_> = entries
        .map(str::trim)
        .filter(|entry| !entry.is_empty())
        .collect();
    TraceState::from_str(&entries.join(",")).ok()
}

fn write(span: &SpanContext) -> String {
    let mut header = [b'-'; LENGTH];
    hex::write(&[0], &mut header[..2]);
    hex::write(&span.trace_id().to_bytes(), &mut header[3..35]);
    hex::write(&span.span_id().to_bytes(), &mut header[36..52]);
    hex::write(&[u8::from(span.is_sampled())], &mut header[53..]);
    str::from_utf8(&header).unwrap_or_default().to_owned()
}

/// The parts have to be hexadecimal, in lower case, and as long as is said. Later versions may append others. Of the flags
/// only the one is taken that is known.
/// <https://www.w3.org/TR/trace-context/#traceparent-header-field-values>
fn read(header: &str) -> Option<(TraceId, SpanId, TraceFlags)> {
    let (header, appended) = header.as_bytes().split_at_checked(LENGTH)?;
    if [header[2], header[35], header[52]] != *b"---" {
        return None;
    }
    let [version] = hex::read(&header[..2])?;
    let may_follow = match version {
        0 => appended.is_empty(),
        0xff => false,
        _ => matches!(appended.first(), None | Some(b'-')),
    };
    let trace_id = TraceId::from_bytes(hex::read(&header[3..35])?);
    let span_id = SpanId::from_bytes(hex::read(&header[36..52])?);
    let [flags] = hex::read(&header[53..])?;
    let is_valid = may_follow && trace_id != TraceId::INVALID && span_id != SpanId::INVALID;
    is_valid.then(|| {
        (
            trace_id,
            span_id,
            TraceFlags::new(flags) & TraceFlags::SAMPLED,
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::baggage::tests::Repeated;

    use std::collections::HashMap;

    fn joins(header: &str) -> bool {
        let headers = HashMap::from([("traceparent".to_owned(), header.to_owned())]);
        let context = TraceContext::default().extract_with_context(&Context::new(), &headers);
        context.span().span_context().is_valid()
    }

    #[test]
    fn what_is_written_is_what_the_sdk_writes() {
        for (flags, state) in [(1, "vendor=1,other=2"), (0, "vendor=1"), (3, ""), (0, "")] {
            let span = SpanContext::new(
                TraceId::from(0x0af7_6519_16cd_43dd_8448_eb21_1c80_319c),
                SpanId::from(0xb7ad),
                TraceFlags::new(flags),
                false,
                TraceState::from_str(state).expect("a trace state"),
            );
            let context = Context::new().with_remote_span_context(span);
            let (mut ours, mut theirs) = (HashMap::new(), HashMap::new());
            TraceContext::default().inject_context(&context, &mut ours);
            TraceContextPropagator::new().inject_context(&context, &mut theirs);
            theirs.retain(|_, value: &mut String| !value.is_empty());
            assert_eq!(ours, theirs);
        }
    }

    #[test]
    fn nothing_is_written_without_a_span() {
        let mut headers = HashMap::<String, String>::new();
        TraceContext::default().inject_context(&Context::new(), &mut headers);
        assert!(headers.is_empty());
    }

    #[test]
    fn what_is_read_is_what_the_sdk_reads() {
        for (flags, state) in [
            ("01", "vendor=1"),
            ("00", "rubbish"),
            ("ff", ""),
            ("02", "a=1,a=2"),
        ] {
            let header = format!("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-{flags}");
            let headers = HashMap::from([
                (TRACEPARENT.to_owned(), header),
                (TRACESTATE.to_owned(), state.to_owned()),
            ]);
            let ours = TraceContext::default().extract(&headers);
            let theirs = TraceContextPropagator::new().extract(&headers);
            assert_eq!(ours.span().span_context(), theirs.span().span_context());
            assert!(ours.span().span_context().is_remote());
        }
    }

    #[test]
    fn a_trace_state_in_parts_is_read_as_one() {
        let parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        for (states, expected) in [
            (vec!["a=1", "b=2,c=3"], "a=1,b=2,c=3"),
            (vec!["a=1 , b=2", "", "c=3"], "a=1,b=2,c=3"),
            (vec!["a=1", "rubbish"], ""),
            (vec![""], ""),
            (vec![], ""),
        ] {
            let states = states.into_iter().map(|state| (TRACESTATE, state));
            let headers = [(TRACEPARENT, parent)].into_iter().chain(states);
            let context = TraceContext::default().extract(&Repeated(headers.collect()));
            let read = context.span().span_context().trace_state().header();
            assert_eq!(read, expected);
        }
    }

    #[test]
    fn of_several_parents_none_is_joined() {
        let [first, second] = [
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203332-01",
        ];
        for (parents, expected) in [(vec![first], true), (vec![first, second], false)] {
            let headers = parents.into_iter().map(|parent| (TRACEPARENT, parent));
            let context = TraceContext::default().extract(&Repeated(headers.collect()));
            assert_eq!(context.span().span_context().is_valid(), expected);
        }
    }

    #[test]
    fn what_is_well_formed_is_joined() {
        for header in [
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-ff",
            " 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01 ",
            "01-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-later",
        ] {
            assert!(joins(header), "{header}");
        }
    }

    #[test]
    fn anything_else_is_not() {
        for header in [
            "",
            "rubbish",
            "00",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331",
            "00-0af7651916cd43dd8448eb211c80319-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c0-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b716920333-01",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-1",
            "0-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-+1",
            "00-00000000000000000000000000000000-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-",
            "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        ] {
            assert!(!joins(header), "{header}");
        }
    }
}
