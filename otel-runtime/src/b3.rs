//! The headers of Zipkin, for services that know no others. <https://github.com/openzipkin/b3-propagation>

use opentelemetry::Context;
use opentelemetry::propagation::text_map_propagator::FieldIter;
use opentelemetry::propagation::{Extractor, Injector, TextMapPropagator};
use opentelemetry::trace::{SpanContext, TraceContextExt as _, TraceFlags};
use opentelemetry_propagator_b3::{B3Encoding, Propagator};

/// What `opentelemetry-propagator-b3` notes where a caller wants its trace recorded whatever samplers say.
const DEBUG: TraceFlags = TraceFlags::new(4);

/// The one header.
const SINGLE: &str = "b3";

/// Whether a trace is to be debugged.
const FLAGS: &str = "x-b3-flags";

/// Does as `opentelemetry-propagator-b3`, with these exceptions: both ways are read whole, whichever is written; a trace to be
/// debugged is sampled, as OpenTelemetry demands it; where the caller left the decision open, the trace is not sampled, as with
/// OpenTelemetry in other languages; without a span nothing is written, where the header would tell the receiver not to
/// record either; and where one header is wanted, the others are not written too.
/// <https://opentelemetry.io/docs/specs/otel/context/api-propagators/#b3-requirements>
#[derive(Debug)]
pub(crate) struct B3 {
    /// Each reads some values that the other does not.
    single: Propagator,
    multi: Propagator,
    writes_single: bool,
}

impl B3 {
    /// Writes one header.
    pub(crate) fn single() -> Self {
        Self::new(true)
    }

    /// Writes a header for each part.
    pub(crate) fn multi() -> Self {
        Self::new(false)
    }

    fn new(writes_single: bool) -> Self {
        Self {
            single: Propagator::with_encoding(B3Encoding::SingleHeader),
            multi: Propagator::with_encoding(B3Encoding::MultipleHeader),
            writes_single,
        }
    }

    /// The caller's span, if it named one.
    fn read(&self, extractor: &dyn Extractor) -> Option<SpanContext> {
        let extractor = OnlyDebug(extractor);
        [&self.single, &self.multi]
            .into_iter()
            // Without what there was before, so that it is seen whether there was a header.
            .map(|propagator| propagator.extract_with_context(&Context::new(), &extractor))
            .map(|context| context.span().span_context().clone())
            .find(SpanContext::is_valid)
    }
}

impl TextMapPropagator for B3 {
    fn inject_context(&self, context: &Context, injector: &mut dyn Injector) {
        if !context.span().span_context().is_valid() {
            return;
        }
        if self.writes_single {
            self.single
                .inject_context(context, &mut OnlySingle(injector));
        } else {
            self.multi.inject_context(context, injector);
        }
    }

    fn extract_with_context(&self, context: &Context, extractor: &dyn Extractor) -> Context {
        let Some(span) = self.read(extractor) else {
            return context.clone();
        };
        let mut flags = span.trace_flags() & (TraceFlags::SAMPLED | DEBUG);
        if flags & DEBUG == DEBUG {
            flags = flags | TraceFlags::SAMPLED;
        }
        let state = span.trace_state().clone();
        let span = SpanContext::new(span.trace_id(), span.span_id(), flags, true, state);
        context.with_remote_span_context(span)
    }

    fn fields(&self) -> FieldIter<'_> {
        if self.writes_single {
            self.single.fields()
        } else {
            self.multi.fields()
        }
    }
}

/// Keeps the other headers back.
struct OnlySingle<'a>(&'a mut dyn Injector);

impl Injector for OnlySingle<'_> {
    fn set(&mut self, key: &str, value: String) {
        if key == SINGLE {
            self.0.set(key, value);
        }
    }
}

/// Hides what says nothing: only `1` of [`FLAGS`] has a meaning.
struct OnlyDebug<'a>(&'a dyn Extractor);

impl Extractor for OnlyDebug<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        self.0
            .get(key)
            .filter(|value| key != FLAGS || *value == "1")
    }

    fn keys(&self) -> Vec<&str> {
        self.0.keys()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use opentelemetry::KeyValue;
    use opentelemetry::baggage::BaggageExt as _;

    use super::*;

    const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
    const SPAN: &str = "b7ad6b7169203331";

    fn headers(of: &[(&str, &str)]) -> HashMap<String, String> {
        of.iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect()
    }

    #[track_caller]
    fn check(received: &[(&str, &str)], flags: u8, single: &str, multi: &[(&str, &str)]) {
        for b3 in [B3::single(), B3::multi()] {
            let context = b3.extract(&headers(received));
            let span = context.span();
            let span = span.span_context();
            assert_eq!(span.trace_id().to_string(), TRACE);
            assert_eq!(span.span_id().to_string(), SPAN);
            assert_eq!(span.trace_flags().to_u8(), flags);
            assert!(span.is_remote());
            let (mut one, mut many) = (HashMap::new(), HashMap::new());
            B3::single().inject_context(&context, &mut one);
            B3::multi().inject_context(&context, &mut many);
            assert_eq!(one, headers(&[("b3", single)]));
            assert_eq!(many, headers(multi));
        }
    }

    #[test]
    fn a_sampled_trace_goes_on() {
        let single = format!("{TRACE}-{SPAN}-1");
        let multi = [
            ("x-b3-traceid", TRACE),
            ("x-b3-spanid", SPAN),
            ("x-b3-sampled", "1"),
        ];
        check(&[("b3", &single)], 1, &single, &multi);
        check(
            &[("b3", &format!("{single}-05e3ac9a4f6e3b90"))],
            1,
            &single,
            &multi,
        );
        check(&multi, 1, &single, &multi);
        // As older senders write it, and with a flag that says nothing.
        let [trace, span, _] = multi;
        check(&[trace, span, ("x-b3-sampled", "true")], 1, &single, &multi);
        let with_flags = [trace, span, ("x-b3-sampled", "1"), ("x-b3-flags", "0")];
        check(&with_flags, 1, &single, &multi);
    }

    #[test]
    fn an_unsampled_trace_stays_unsampled() {
        let single = format!("{TRACE}-{SPAN}-0");
        let multi = [
            ("x-b3-traceid", TRACE),
            ("x-b3-spanid", SPAN),
            ("x-b3-sampled", "0"),
        ];
        check(&[("b3", &single)], 0, &single, &multi);
        check(&multi, 0, &single, &multi);
        // The decision left open.
        check(&[("b3", &format!("{TRACE}-{SPAN}"))], 0, &single, &multi);
        check(&multi[..2], 0, &single, &multi);
    }

    #[test]
    fn a_trace_to_be_debugged_is_sampled() {
        let single = format!("{TRACE}-{SPAN}-d");
        let multi = [
            ("x-b3-traceid", TRACE),
            ("x-b3-spanid", SPAN),
            ("x-b3-flags", "1"),
        ];
        check(&multi, 5, &single, &multi);
        check(&[("b3", &single)], 5, &single, &multi);
    }

    #[test]
    fn without_a_header_all_is_as_before() {
        let context = Context::new().with_baggage([KeyValue::new("tenant", "7")]);
        for received in [
            headers(&[]),
            headers(&[("b3", "0")]),
            headers(&[("b3", "rubbish")]),
        ] {
            let extracted = B3::single().extract_with_context(&context, &received);
            assert!(!extracted.span().span_context().is_valid());
            assert_eq!(extracted.baggage().len(), 1);
        }
    }

    #[test]
    fn nothing_is_written_without_a_span() {
        let mut headers = HashMap::<String, String>::new();
        B3::single().inject_context(&Context::new(), &mut headers);
        B3::multi().inject_context(&Context::new(), &mut headers);
        assert!(headers.is_empty());
    }
}
