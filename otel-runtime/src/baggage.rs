//! The `baggage` header, which may come in parts.

use opentelemetry::Context;
use opentelemetry::propagation::text_map_propagator::FieldIter;
use opentelemetry::propagation::{Extractor, Injector, TextMapPropagator};
use opentelemetry_sdk::propagation::BaggagePropagator;

const BAGGAGE: &str = "baggage";

/// Does as the SDK's propagator, but reads all of several headers as one.
/// <https://www.w3.org/TR/baggage/#baggage-http-header-format>
#[derive(Debug, Default)]
pub(crate) struct Baggage(BaggagePropagator);

impl TextMapPropagator for Baggage {
    fn inject_context(&self, context: &Context, injector: &mut dyn Injector) {
        self.0.inject_context(context, injector);
    }

    fn extract_with_context(&self, context: &Context, extractor: &dyn Extractor) -> Context {
        if extractor.get(BAGGAGE).is_none() {
            return context.clone();
        }
        match extractor.get_all(BAGGAGE) {
            Some(parts) if parts.len() > 1 => {
                let joined = Joined(parts.join(","));
                self.0.extract_with_context(context, &joined)
            }
            _ => self.0.extract_with_context(context, extractor),
        }
    }

    fn fields(&self) -> FieldIter<'_> {
        self.0.fields()
    }
}

/// The value of what were several headers.
struct Joined(String);

impl Extractor for Joined {
    fn get(&self, key: &str) -> Option<&str> {
        (key == BAGGAGE).then_some(&*self.0)
    }

    fn keys(&self) -> Vec<&str> {
        vec![BAGGAGE]
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use opentelemetry::baggage::BaggageExt as _;

    use super::*;

    /// Headers of which one can come again.
    pub(crate) struct Repeated(pub(crate) Vec<(&'static str, &'static str)>);

    impl Extractor for Repeated {
        fn get(&self, key: &str) -> Option<&str> {
            let (_, value) = self.0.iter().find(|(name, _)| *name == key)?;
            Some(value)
        }

        fn keys(&self) -> Vec<&str> {
            self.0.iter().map(|(name, _)| *name).collect()
        }

        fn get_all(&self, key: &str) -> Option<Vec<&str>> {
            let named = self.0.iter().filter(|(name, _)| *name == key);
            let values: Vec<_> = named.map(|(_, value)| *value).collect();
            (!values.is_empty()).then_some(values)
        }
    }

    #[test]
    fn parts_are_read_as_one() {
        for (parts, expected) in [
            (vec!["a=1,b=2"], "a=1 b=2"),
            (vec!["a=1", "b=2,c=3"], "a=1 b=2 c=3"),
            (vec!["a=1", "", "rubbish", "b=2"], "a=1 b=2"),
            (vec![""], ""),
            (vec![], ""),
        ] {
            let headers = parts.into_iter().map(|part| (BAGGAGE, part));
            let context = Baggage::default().extract(&Repeated(headers.collect()));
            let pairs = context.baggage().iter();
            let mut read: Vec<_> = pairs
                .map(|(key, (value, _))| format!("{key}={value}"))
                .collect();
            read.sort();
            assert_eq!(read.join(" "), expected);
        }
    }
}
