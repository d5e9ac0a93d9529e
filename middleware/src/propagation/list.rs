//! Lists of names and bytes, as message queues have them.

use opentelemetry::propagation::{Extractor, Injector};

use super::carrier::text;

/// Reads propagation fields from a list of names and values, like the headers of a message. Names are found
/// in any case, and more than once.
#[derive(Clone, Copy, Debug)]
pub struct ListExtractor<'a, N, V>(
    /// The list to read from.
    pub &'a [(N, V)],
);

impl<N: AsRef<str>, V: AsRef<[u8]>> Extractor for ListExtractor<'_, N, V> {
    fn get(&self, key: &str) -> Option<&str> {
        self.0.iter().find(|(name, _)| name.as_ref().eq_ignore_ascii_case(key)).map(|(_, value)| text(value))
    }

    fn keys(&self) -> Vec<&str> {
        self.0.iter().map(|(name, _)| name.as_ref()).collect()
    }

    fn get_all(&self, key: &str) -> Option<Vec<&str>> {
        let lines = self.0.iter().filter(|(name, _)| name.as_ref().eq_ignore_ascii_case(key));
        let lines = Vec::from_iter(lines.map(|(_, value)| text(value)));
        (!lines.is_empty()).then_some(lines)
    }
}

/// Writes propagation fields into a list of names and values, in the place of those of the same name.
#[derive(Debug)]
pub struct ListInjector<'a, N, V>(
    /// The list to write to.
    pub &'a mut Vec<(N, V)>,
);

impl<N: AsRef<str> + for<'n> From<&'n str>, V: From<String>> Injector for ListInjector<'_, N, V> {
    fn set(&mut self, key: &str, value: String) {
        self.0.retain(|(name, _)| !name.as_ref().eq_ignore_ascii_case(key));
        self.0.push((N::from(key), V::from(value)));
    }
}

#[cfg(test)]
mod tests {
    use opentelemetry::{
        Context,
        propagation::{Extractor, Injector, TextMapPropagator},
        trace::TraceContextExt,
    };

    use super::{ListExtractor, ListInjector};
    use crate::propagation::{Composite, TraceContext};

    const PARENT: &str = "00-12345678901234567890123456789012-1234567890123456-03";

    #[test]
    fn a_message_takes_context_along_and_gives_it_back() {
        // P-001, P-003, P-040, P-066, P-073
        let received = [
            ("TraceParent", PARENT.as_bytes()),
            ("tracestate", b"a=1"),
            ("content-type", b"\xff\x00"),
            ("TRACESTATE", b"b=2"),
            ("baggage", b"tenant=a%20b"),
        ];
        let propagator = Composite::default();
        let context = propagator.extract_with_context(&Context::new(), &ListExtractor(&received));
        let mut sent =
            vec![("Traceparent".to_owned(), b"old".to_vec()), ("key".to_owned(), b"\xff".to_vec())];
        propagator.inject_context(&context, &mut ListInjector(&mut sent));
        let expected = [
            ("key", b"\xff".as_slice()),
            ("traceparent", PARENT.as_bytes()),
            ("tracestate", b"a=1,b=2"),
            ("baggage", b"tenant=a%20b"),
        ];
        assert_eq!(sent, expected.map(|(name, value)| (name.to_owned(), value.to_vec())));
    }

    #[test]
    fn what_is_no_text_is_not_valid() {
        // P-006, P-019
        for received in [
            &[("traceparent", [PARENT.as_bytes(), b"\n"].concat())][..],
            &[("traceparent", b"\xff".to_vec())],
            &[("traceparent", PARENT.into()), ("Traceparent", b"\xff".to_vec())],
        ] {
            let extractor = ListExtractor(received);
            let context = TraceContext::default().extract_with_context(&Context::new(), &extractor);
            assert!(!context.has_active_span(), "{received:?}");
        }
        let nothing = ListExtractor::<&str, &str>(&[]);
        assert_eq!((nothing.get("a"), nothing.get_all("a"), nothing.keys()), (None, None, vec![]));
    }

    #[test]
    fn values_may_be_text_too() {
        let mut fields = Vec::<(String, String)>::new();
        ListInjector(&mut fields).set("a", "1".into());
        assert_eq!(ListExtractor(&fields).get("A"), Some("1"));
        assert_eq!(ListExtractor(&fields).keys(), ["a"]);
    }
}
