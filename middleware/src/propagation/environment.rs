//! Variables of a process, for jobs that another program starts.

use std::collections::BTreeMap;

use opentelemetry::propagation::{Extractor, Injector};

/// Reads propagation fields from variables, `traceparent` from `TRACEPARENT`. It reads no environment
/// itself: it is collected from pairs, say from `std::env::vars()`.
#[derive(Clone, Debug, Default)]
pub struct EnvironmentExtractor(BTreeMap<String, String>);

impl FromIterator<(String, String)> for EnvironmentExtractor {
    fn from_iter<I: IntoIterator<Item = (String, String)>>(variables: I) -> Self {
        Self(variables.into_iter().collect())
    }
}

impl Extractor for EnvironmentExtractor {
    fn get(&self, key: &str) -> Option<&str> {
        self.0.get(&variable(key)).map(String::as_str)
    }

    fn keys(&self) -> Vec<&str> {
        self.0.keys().map(String::as_str).collect()
    }
}

/// Writes propagation fields as variables, for a process to be started.
#[derive(Debug)]
pub struct EnvironmentInjector<'a, E>(
    /// A collection of names and values.
    pub &'a mut E,
);

impl<E: Extend<(String, String)>> Injector for EnvironmentInjector<'_, E> {
    fn set(&mut self, key: &str, value: String) {
        self.0.extend([(variable(key), value)]);
    }
}

/// Returns the variable of a field: in upper case, with `_` for all but letters and digits, and before a
/// digit at its beginning.
fn variable(key: &str) -> String {
    let start = if key.starts_with(|first: char| first.is_ascii_digit()) { "_" } else { "" };
    let rest =
        key.chars().map(|char| if char.is_ascii_alphanumeric() { char.to_ascii_uppercase() } else { '_' });
    start.chars().chain(rest).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use opentelemetry::{
        Context,
        propagation::{Extractor, TextMapPropagator},
        trace::TraceContextExt,
    };

    use super::{EnvironmentExtractor, EnvironmentInjector, variable};
    use crate::propagation::{Composite, Format};

    #[test]
    fn a_process_continues_the_trace_of_the_one_that_started_it() {
        // P-087
        let variables = [
            ("B3", "463ac35c9f6413ad48485a3953bb6124-a2fb4a1d1a96d312-1"),
            ("BAGGAGE", "tenant=a%20b"),
            ("TRACEPARENT", "00-463ac35c9f6413ad48485a3953bb6124-a2fb4a1d1a96d312-03"),
            ("TRACESTATE", "a=1,b=2"),
            ("X_AMZN_TRACE_ID", "Root=1-463ac35c-9f6413ad48485a3953bb6124;Parent=a2fb4a1d1a96d312;Sampled=1"),
        ];
        let variables = variables.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let extractor = EnvironmentExtractor::from_iter(variables.clone());
        let formats = [Format::TraceContext, Format::Baggage, Format::B3, Format::XRay];
        let propagator = Composite::of(formats);
        let context = propagator.extract_with_context(&Context::new(), &extractor);
        let mut started = BTreeMap::new();
        propagator.inject_context(&context, &mut EnvironmentInjector(&mut started));
        assert_eq!(started, BTreeMap::from(variables));
        assert_eq!(extractor.keys(), started.keys().collect::<Vec<_>>());
    }

    #[test]
    fn only_the_variables_of_the_form_are_read() {
        // P-074, P-087
        let variables = [("traceparent", "00-463ac35c9f6413ad48485a3953bb6124-a2fb4a1d1a96d312-03")];
        let variables = variables.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let extractor = EnvironmentExtractor::from_iter(variables);
        let context = Composite::default().extract_with_context(&Context::new(), &extractor);
        assert!(!context.has_active_span());
    }

    #[test]
    fn names_of_fields_become_names_of_variables() {
        // P-087
        for (field, name) in [
            ("traceparent", "TRACEPARENT"),
            ("x-b3-traceid", "X_B3_TRACEID"),
            ("a_b.é1", "A_B__1"),
            ("1a", "_1A"),
        ] {
            assert_eq!(variable(field), name);
        }
    }
}
