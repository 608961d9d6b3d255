//! The `traceparent` header, read as strictly as it is defined.

use opentelemetry::Context;
use opentelemetry::propagation::text_map_propagator::FieldIter;
use opentelemetry::propagation::{Extractor, Injector, TextMapPropagator};
use opentelemetry_sdk::propagation::TraceContextPropagator;

/// The SDK's propagator, which takes ids that are too short, and more; what is not well formed starts a new trace.
#[derive(Debug, Default)]
pub(crate) struct TraceContext(TraceContextPropagator);

impl TextMapPropagator for TraceContext {
    fn inject_context(&self, context: &Context, injector: &mut dyn Injector) {
        self.0.inject_context(context, injector);
    }

    fn extract_with_context(&self, context: &Context, extractor: &dyn Extractor) -> Context {
        let header = extractor.get("traceparent");
        if header.is_some_and(|header| is_well_formed(header.trim())) {
            self.0.extract_with_context(context, extractor)
        } else {
            context.clone()
        }
    }

    fn fields(&self) -> FieldIter<'_> {
        self.0.fields()
    }
}

/// Whether the parts are hexadecimal, in lower case, and as long as they have to be. Later versions may append parts.
/// <https://www.w3.org/TR/trace-context/#traceparent-header-field-values>
fn is_well_formed(header: &str) -> bool {
    let mut parts = header.split('-');
    let lengths = [2, 32, 16, 2];
    let has_parts = lengths.iter().all(|&length| {
        parts.next().is_some_and(|part| {
            let is_hexadecimal = |byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
            part.len() == length && part.bytes().all(is_hexadecimal)
        })
    });
    has_parts && !header.starts_with("ff") && (!header.starts_with("00") || parts.next().is_none())
}

#[cfg(test)]
mod tests {
    use super::*;

    use std::collections::HashMap;

    use opentelemetry::trace::TraceContextExt as _;

    fn joins(header: &str) -> bool {
        let headers = HashMap::from([("traceparent".to_owned(), header.to_owned())]);
        let context = TraceContext::default().extract_with_context(&Context::new(), &headers);
        context.span().span_context().is_valid()
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
