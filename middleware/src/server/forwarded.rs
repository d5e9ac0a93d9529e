//! What a trusted proxy says of the original request.

use std::{
    borrow::Cow,
    net::{IpAddr, SocketAddr},
};

use http::{HeaderMap, HeaderName, HeaderValue, header};

use crate::options::{ProxyHeaders, Scheme, TrustedProxies};

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const X_FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// Most proxies in a row. Who sends more is not believed at all.
const MOST_HOPS: usize = 64;

/// The original request, as far as it is told.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Original<'a> {
    pub(super) client: Option<IpAddr>,
    pub(super) scheme: Option<Scheme>,
    /// Host and port as one, as in `Host`.
    pub(super) host: Option<Cow<'a, str>>,
}

impl<'a> Original<'a> {
    /// Reads what the peer says, if it is believed.
    pub(super) fn of(proxies: &TrustedProxies, peer: Option<IpAddr>, headers: &'a HeaderMap) -> Self {
        if !proxies.believe(peer) {
            return Self::default();
        }
        match proxies.headers() {
            ProxyHeaders::XForwarded => Self::x_forwarded(proxies, headers),
            ProxyHeaders::Forwarded => Self::forwarded(proxies, headers),
        }
        .unwrap_or_default()
    }

    fn x_forwarded(proxies: &TrustedProxies, headers: &'a HeaderMap) -> Option<Self> {
        let hops = elements(headers, &X_FORWARDED_FOR, split_plain)?;
        let (hop, client) = original_hop(proxies, hops.iter().map(|hop| address(hop)));
        // Where nobody can be beyond the proxies, all is told of the outermost, however long the lists are.
        let hop = if proxies.believe(None) { usize::MAX } else { hop };
        // A list with fewer elements is one that an outer proxy began: its first is the outermost.
        let same_hop = |name| -> Option<&str> {
            let elements = elements(headers, name, split_plain)?;
            elements.iter().rev().nth(hop.min(elements.len().saturating_sub(1))).copied()
        };
        Some(Self {
            client,
            scheme: same_hop(&X_FORWARDED_PROTO).and_then(Scheme::parse),
            host: same_hop(&X_FORWARDED_HOST).map(Cow::Borrowed),
        })
    }

    fn forwarded(proxies: &TrustedProxies, headers: &'a HeaderMap) -> Option<Self> {
        let elements = elements(headers, &header::FORWARDED, |line| split_quoted(line, b','))?;
        let client = |element: &&'a str| address(&parameter(element, "for")?);
        let (hop, client) = original_hop(proxies, elements.iter().map(client));
        let element = elements.iter().rev().nth(hop)?;
        Some(Self {
            client,
            scheme: parameter(element, "proto").and_then(|scheme| Scheme::parse(&scheme)),
            host: parameter(element, "host"),
        })
    }
}

/// Finds the client in a chain: how many hops it is from the right, and its address.
fn original_hop(
    proxies: &TrustedProxies,
    hops: impl DoubleEndedIterator<Item = Option<IpAddr>>,
) -> (usize, Option<IpAddr>) {
    let mut original = (0, None);
    for (distance, hop) in hops.rev().enumerate() {
        original = (distance, hop);
        // What told nothing of its caller cannot be checked: whoever is beyond may have made it up.
        if hop.is_none_or(|hop| !proxies.believe(Some(hop))) && !proxies.believe(None) {
            break;
        }
    }
    original
}

/// Splits all lines of a list header; nothing if there are too many elements or a line is not text.
fn elements<'a, I: Iterator<Item = &'a str>>(
    headers: &'a HeaderMap,
    name: &HeaderName,
    split: impl Fn(&'a str) -> I,
) -> Option<Vec<&'a str>> {
    let mut elements = Vec::new();
    for line in headers.get_all(name) {
        let within = split(HeaderValue::to_str(line).ok()?).map(str::trim);
        elements.extend(within.filter(|element| !element.is_empty()).take(MOST_HOPS + 1));
        if elements.len() > MOST_HOPS {
            return None;
        }
    }
    Some(elements)
}

fn split_plain(line: &str) -> impl Iterator<Item = &str> {
    line.split(',')
}

/// Splits at a separator, but not inside quotes.
fn split_quoted(text: &str, separator: u8) -> impl Iterator<Item = &str> {
    let mut rest = Some(text);
    std::iter::from_fn(move || {
        let text = rest.take()?;
        let mut quotes = Quotes::default();
        let end = text.bytes().position(|byte| {
            let is_end = byte == separator && !quotes.are_open;
            quotes.take(byte);
            is_end
        });
        let Some(end) = end else { return Some(text) };
        rest = Some(&text[end + 1..]);
        Some(&text[..end])
    })
}

/// Whether a text is inside quotes, read byte by byte.
#[derive(Debug, Default)]
struct Quotes {
    are_open: bool,
    is_escaped: bool,
}

impl Quotes {
    fn take(&mut self, byte: u8) {
        self.are_open ^= byte == b'"' && !self.is_escaped;
        self.is_escaped = byte == b'\\' && self.are_open && !self.is_escaped;
    }
}

/// Tells whether the quotes in a text are closed: those that a caller leaves open take in what the proxy wrote after
/// them, and the caller's words would pass for the proxy's.
fn is_closed(text: &str) -> bool {
    let mut quotes = Quotes::default();
    text.bytes().for_each(|byte| quotes.take(byte));
    !quotes.are_open
}

/// Returns the value of a parameter of a `Forwarded` element (RFC 7239 §4): a token, or a quoted string.
fn parameter<'a>(element: &'a str, name: &str) -> Option<Cow<'a, str>> {
    let element = Some(element).filter(|element| is_closed(element))?;
    let value = split_quoted(element, b';').find_map(|pair| {
        let (key, value) = pair.split_once('=')?;
        key.trim().eq_ignore_ascii_case(name).then_some(value.trim())
    })?;
    let Some(quoted) = value.strip_prefix('"') else { return Some(Cow::Borrowed(value)) };
    let quoted = quoted.strip_suffix('"')?;
    if !quoted.contains('\\') {
        return Some(Cow::Borrowed(quoted));
    }
    let mut is_escaped = false;
    let unescape = |character: &char| {
        is_escaped = *character == '\\' && !is_escaped;
        !is_escaped
    };
    Some(Cow::Owned(quoted.chars().filter(unescape).collect()))
}

/// Reads an address with or without a port; `unknown` and `_hidden` are none.
fn address(text: &str) -> Option<IpAddr> {
    let bracketed = || text.strip_prefix('[')?.strip_suffix(']')?.parse().ok();
    let address: IpAddr = text
        .parse()
        .ok()
        .or_else(|| text.parse::<SocketAddr>().ok().map(|socket| socket.ip()))
        .or_else(bracketed)?;
    Some(address.to_canonical())
}

#[cfg(test)]
mod tests;
