//! What fields are read from and written to: headers, and whatever the API's traits stand for.

use http::{HeaderMap, HeaderName, HeaderValue};
use opentelemetry::{
    Context,
    propagation::{Extractor, Injector, TextMapPropagator},
};

use super::{baggage, field};

/// Stands for a header line that is not text: not valid in any of the grammars, so that the line counts and
/// is refused instead of being overlooked.
const UNREADABLE: &str = "\u{fffd}";

/// Most lines that are picked; a request with more is read header by header.
const MOST_PICKED: usize = 4;

/// What the propagators of this module read from.
pub(super) trait Source {
    /// Returns all lines of a field, in order.
    fn lines(&self, name: &'static HeaderName) -> impl Iterator<Item = &[u8]>;

    /// Returns the fields whose names begin so, with the rest of their names and their first line.
    fn prefixed(&self, prefix: &str) -> impl Iterator<Item = (&str, &[u8])>;

    /// Lets a propagator read that knows only the API's trait.
    fn extract(&self, context: &Context, propagator: &dyn TextMapPropagator) -> Context;
}

impl Source for HeaderMap {
    fn lines(&self, name: &'static HeaderName) -> impl Iterator<Item = &[u8]> {
        self.get_all(name).iter().map(HeaderValue::as_bytes)
    }

    fn prefixed(&self, prefix: &str) -> impl Iterator<Item = (&str, &[u8])> {
        let lines = self.keys().filter_map(|name| Some((name.as_str(), self.get(name)?)));
        lines.filter_map(move |(name, line)| Some((name.strip_prefix(prefix)?, line.as_bytes())))
    }

    fn extract(&self, context: &Context, propagator: &dyn TextMapPropagator) -> Context {
        propagator.extract_with_context(context, &HeaderExtractor(self))
    }
}

/// The lines of some fields among all headers, found in one pass: hashing each name would cost more.
#[derive(Debug)]
pub(super) struct Picked<'a> {
    headers: &'a HeaderMap,
    lines: [Option<(&'static HeaderName, &'a HeaderValue)>; MOST_PICKED],
}

impl<'a> Picked<'a> {
    /// Picks the lines of these fields; nothing if there are too many.
    #[inline]
    pub(super) fn of(headers: &'a HeaderMap, fields: &[&'static HeaderName]) -> Option<Self> {
        let mut picked = Self { headers, lines: [None; MOST_PICKED] };
        let mut places = picked.lines.iter_mut();
        for (name, line) in headers {
            if let Some(field) = fields.iter().find(|field| **field == name) {
                *places.next()? = Some((field, line));
            }
        }
        Some(picked)
    }
}

impl Source for Picked<'_> {
    fn lines(&self, name: &'static HeaderName) -> impl Iterator<Item = &[u8]> {
        // Each name is one static: to compare texts again would cost more.
        let lines = self.lines.iter().map_while(Option::as_ref);
        lines.filter(move |(field, _)| std::ptr::eq(*field, name)).map(|(_, line)| line.as_bytes())
    }

    fn prefixed(&self, prefix: &str) -> impl Iterator<Item = (&str, &[u8])> {
        self.headers.prefixed(prefix)
    }

    fn extract(&self, context: &Context, propagator: &dyn TextMapPropagator) -> Context {
        self.headers.extract(context, propagator)
    }
}

impl Source for &dyn Extractor {
    fn lines(&self, name: &'static HeaderName) -> impl Iterator<Item = &[u8]> {
        self.get_all(name.as_str()).into_iter().flatten().map(str::as_bytes)
    }

    fn prefixed(&self, prefix: &str) -> impl Iterator<Item = (&str, &[u8])> {
        let is_prefixed = move |name: &str| {
            name.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix))
        };
        let names = self.keys().into_iter().filter(move |name| is_prefixed(name));
        names.filter_map(move |name| Some((name.get(prefix.len()..)?, self.get(name)?.as_bytes())))
    }

    fn extract(&self, context: &Context, propagator: &dyn TextMapPropagator) -> Context {
        propagator.extract_with_context(context, *self)
    }
}

/// What the propagators of this module write to.
pub(super) trait Sink {
    /// Writes a field in the place of what it held.
    fn set(&mut self, name: &'static HeaderName, value: String);

    /// Writes a field whose name is made of what the program says.
    fn set_named(&mut self, name: &str, value: String);

    /// Lets a propagator write that knows only the API's trait.
    fn inject(&mut self, context: &Context, propagator: &dyn TextMapPropagator);
}

impl Sink for HeaderMap {
    fn set(&mut self, name: &'static HeaderName, value: String) {
        replace(self, name.clone(), value);
    }

    fn set_named(&mut self, name: &str, value: String) {
        HeaderInjector(self).set(name, value);
    }

    fn inject(&mut self, context: &Context, propagator: &dyn TextMapPropagator) {
        propagator.inject_context(context, &mut HeaderInjector(self));
    }
}

impl Sink for &mut dyn Injector {
    fn set(&mut self, name: &'static HeaderName, value: String) {
        Injector::set(*self, name.as_str(), value);
    }

    fn set_named(&mut self, name: &str, value: String) {
        Injector::set(*self, name, value);
    }

    fn inject(&mut self, context: &Context, propagator: &dyn TextMapPropagator) {
        propagator.inject_context(context, *self);
    }
}

/// Reads propagation fields from HTTP headers, all lines of each.
#[derive(Clone, Copy, Debug)]
pub struct HeaderExtractor<'a>(
    /// The headers to read from.
    pub &'a HeaderMap,
);

impl Extractor for HeaderExtractor<'_> {
    /// Returns the first line of a header.
    fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key).map(|line| text(line.as_bytes()))
    }

    /// Returns the names of all headers.
    fn keys(&self) -> Vec<&str> {
        self.0.keys().map(HeaderName::as_str).collect()
    }

    /// Returns all lines of a header, in order; a line that is not text as a value that no grammar accepts.
    ///
    /// A line of `baggage` that is not text is returned member by member, so that only the bad ones are lost.
    fn get_all(&self, key: &str) -> Option<Vec<&str>> {
        let lines = self.0.get_all(key).iter();
        let mut lines = lines.flat_map(|line| {
            let is_split = key == field::BAGGAGE.as_str() && line.to_str().is_err();
            let line = line.as_bytes();
            // What is over the limit is refused as it is, and need not be split.
            let line = line.get(..=baggage::LIMIT_BYTES).filter(|_| is_split).unwrap_or(line);
            line.split(move |byte| is_split && *byte == b',').map(text)
        });
        // Not inside the list, which would be allocated first.
        let first = lines.next()?;
        let mut all = vec![first];
        all.extend(lines);
        Some(all)
    }
}

/// Reads what HTTP counts as text: visible ASCII, spaces and tabs.
pub(super) fn text<T: AsRef<[u8]> + ?Sized>(line: &T) -> &str {
    let line = line.as_ref();
    let is_text = |byte: &u8| matches!(byte, b' '..=b'~' | b'\t');
    std::str::from_utf8(line).ok().filter(|_| line.iter().all(is_text)).unwrap_or(UNREADABLE)
}

/// Writes propagation fields into HTTP headers, in the place of all lines of the same name.
#[derive(Debug)]
pub struct HeaderInjector<'a>(
    /// The headers to write to.
    pub &'a mut HeaderMap,
);

impl Injector for HeaderInjector<'_> {
    /// Replaces a header; a name or value that HTTP does not allow is left out.
    ///
    /// A new `traceparent` also removes the `tracestate` that was there: it belonged to the old one
    /// (W3C Trace Context §3.3). So does a new `x-b3-traceid` with the other fields of B3.
    fn set(&mut self, key: &str, value: String) {
        // The name of a known field costs no allocation.
        let name = field::named(key).cloned().map_or_else(|| HeaderName::try_from(key), Ok);
        if let Ok(name) = name {
            replace(self.0, name, value);
        }
    }

    fn reserve(&mut self, additional: usize) {
        let _ = self.0.try_reserve(additional);
    }
}

fn replace(headers: &mut HeaderMap, name: HeaderName, value: String) {
    let Ok(value) = HeaderValue::try_from(value) else { return };
    for follower in field::followers(&name) {
        headers.remove(*follower);
    }
    // Refused only for the 32,769th header.
    let _ = headers.try_insert(name, value);
}
