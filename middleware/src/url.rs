//! What may be told of a URL: its scheme, its host and port, its query without secrets.

use std::borrow::Cow;

use http::{HeaderMap, Uri, header};

use crate::percent;

/// Query keys whose values are replaced, case-sensitive: the union of what the conventions listed in
/// versions 1.29 to 1.44 and what they list since.
pub(crate) const SENSITIVE_QUERY_KEYS: [&str; 7] = [
    "AWSAccessKeyId",
    "Signature",
    "X-Amz-Credential",
    "X-Amz-Security-Token",
    "X-Amz-Signature",
    "X-Goog-Signature",
    "sig",
];
/// What parts the pairs of a query; some servers take the semicolon for one too.
const SEPARATORS: [char; 2] = ['&', ';'];
/// Stands where a secret was.
const REDACTED: &str = "REDACTED";

/// Returns the port that a URL's scheme implies; a relative URL counts as `http`.
pub(crate) fn default_port(uri: &Uri) -> Option<u16> {
    match uri.scheme_str() {
        None | Some("http" | "ws") => Some(80),
        Some("https" | "wss") => Some(443),
        Some(_) => None,
    }
}

/// Returns host and port as the request has them. An absolute target beats `Host` (RFC 9112 §3.2.2), and
/// HTTP/2's `:authority` arrives as one.
pub(crate) fn authority<'a>(uri: &'a Uri, headers: &'a HeaderMap) -> Option<&'a str> {
    match uri.authority() {
        Some(authority) => Some(authority.as_str()),
        None => headers.get(header::HOST)?.to_str().ok(),
    }
}

/// Splits `host`, `host:port` or `[address]:port` into host and port, without brackets and without
/// credentials. Anything that is not of this form yields nothing.
pub(crate) fn split_authority(authority: &str) -> Option<(&str, Option<u16>)> {
    // Most are a bare name.
    if !authority.bytes().any(|byte| byte == b':' || NOT_IN_HOSTS[usize::from(byte)]) {
        return (!authority.is_empty()).then_some((authority, None));
    }
    let (mut from, mut colon) = (0, None);
    for (place, byte) in authority.bytes().enumerate() {
        match byte {
            b'@' => (from, colon) = (place + 1, None),
            b':' if colon.is_none() => colon = Some(place),
            _ => {}
        }
    }
    if authority[from..].starts_with('[') {
        let (host, rest) = authority[from + 1..].split_once(']')?;
        let port = if rest.is_empty() { "" } else { rest.strip_prefix(':')? };
        return Some((is_host(host).then_some(host)?, parse_port(port)?));
    }
    let end = colon.unwrap_or(authority.len());
    let host = &authority[from..end];
    let port = authority.get(end + 1..).unwrap_or_default();
    Some((is_host(host).then_some(host)?, parse_port(port)?))
}

/// Bytes that a host cannot have; those beyond ASCII are of names that nobody encoded.
const NOT_IN_HOSTS: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0;
    while byte < table.len() {
        let ascii = byte as u8;
        table[byte] = !ascii.is_ascii_graphic()
            || matches!(
                ascii,
                b'"' | b'#'
                    | b'/'
                    | b'<'
                    | b'>'
                    | b'?'
                    | b'@'
                    | b'['
                    | b'\\'
                    | b']'
                    | b'^'
                    | b'`'
                    | b'{'
                    | b'|'
                    | b'}'
            );
        byte += 1;
    }
    table
};

fn is_host(host: &str) -> bool {
    !host.is_empty() && !host.bytes().any(|byte| NOT_IN_HOSTS[usize::from(byte)])
}

/// Parses a port, which may be empty; nothing if it is none.
fn parse_port(port: &str) -> Option<Option<u16>> {
    if port.is_empty() {
        return Some(None);
    }
    // The parser of numbers would take a sign.
    port.as_bytes()[0].is_ascii_digit().then(|| port.parse().ok())?.map(Some)
}

/// Returns a query with the values of sensitive keys replaced; order and all other bytes stay.
pub(crate) fn redacted_query<'a>(query: &'a str, sensitive: &[String]) -> Cow<'a, str> {
    if !query.split(SEPARATORS).any(|pair| secret_key(pair, sensitive).is_some()) {
        return Cow::Borrowed(query);
    }
    let mut redacted = String::with_capacity(query.len() + REDACTED.len());
    for part in query.split_inclusive(SEPARATORS) {
        let pair = part.trim_end_matches(SEPARATORS);
        match secret_key(pair, sensitive) {
            Some(key) => redacted.extend([key, "=", REDACTED, &part[pair.len()..]]),
            None => redacted.push_str(part),
        }
    }
    Cow::Owned(redacted)
}

/// Returns the key of a `key=value` pair whose value is a secret: as it stands there, but compared as the
/// server will read it.
fn secret_key<'a>(pair: &'a str, sensitive: &[String]) -> Option<&'a str> {
    let (key, _value) = pair.split_once('=')?;
    let is_secret = |sensitive: &String| match key.contains('%') {
        true => percent::decoded(key).eq(sensitive.bytes()),
        false => key == sensitive,
    };
    sensitive.iter().any(is_secret).then_some(key)
}

/// Returns `url.full`: the absolute URL without credentials and without secrets in its query. A relative
/// URL counts as `http`.
pub(crate) fn full(authority: &str, uri: &Uri, sensitive: &[String]) -> String {
    let scheme = uri.scheme_str().unwrap_or("http");
    let (credentials, host) = authority.rsplit_once('@').unzip();
    let credentials = if credentials.is_some() { "REDACTED:REDACTED@" } else { "" };
    let host = host.unwrap_or(authority);
    // `OPTIONS *` has no path (RFC 9112 §3.2.4).
    let path = if uri.path() == "*" { "" } else { uri.path() };
    let mut url = [scheme, "://", credentials, host, path].concat();
    if let Some(query) = uri.query() {
        url.push('?');
        url.push_str(&redacted_query(query, sensitive));
    }
    url
}

#[cfg(test)]
mod tests {
    use super::*;

    fn redacted(query: &str) -> Cow<'_, str> {
        redacted_query(query, &SENSITIVE_QUERY_KEYS.map(String::from))
    }

    #[test]
    fn a_list_of_ones_own_replaces_the_whole_list() {
        // H-053
        let own = [String::from("token")];
        assert_eq!(redacted_query("token=1&sig=2", &own), "token=REDACTED&sig=2");
        assert_eq!(redacted_query("token=1&sig=2", &[]), "token=1&sig=2");
    }

    #[test]
    fn secrets_in_a_query_are_replaced_and_the_rest_stays() {
        // H-051, H-052
        for (query, expected) in [
            ("color=blue&sig=abc", "color=blue&sig=REDACTED"),
            ("SIG=abc", "SIG=abc"),
            ("sig=", "sig=REDACTED"),
            ("sig", "sig"),
            ("sig=a&b=%20+&sig=b", "sig=REDACTED&b=%20+&sig=REDACTED"),
            ("sig=a=b", "sig=REDACTED"),
            ("a=1;sig=b;c=2&sig=d;", "a=1;sig=REDACTED;c=2&sig=REDACTED;"),
            ("%73ig=a&si%67=b&%53IG=c", "%73ig=REDACTED&si%67=REDACTED&%53IG=c"),
            ("X%2DAmz%2dSignature=a%26&b", "X%2DAmz%2dSignature=REDACTED&b"),
            ("sig%3Da&sig%=b&%zzsig=c&%2573ig=d", "sig%3Da&sig%=b&%zzsig=c&%2573ig=d"),
            ("signature=a&xsig=b&sigx=c&a=b?sig=d", "signature=a&xsig=b&sigx=c&a=b?sig=d"),
            ("&&a=&=b&", "&&a=&=b&"),
            ("", ""),
        ] {
            assert_eq!(redacted(query), expected);
        }
    }

    #[test]
    fn every_sensitive_key_of_every_version_is_redacted() {
        // H-051
        for key in [
            "AWSAccessKeyId",
            "Signature",
            "sig",
            "X-Goog-Signature",
            "X-Amz-Signature",
            "X-Amz-Credential",
            "X-Amz-Security-Token",
        ] {
            assert_eq!(redacted(&format!("a=1&{key}=secret&b=2")), format!("a=1&{key}=REDACTED&b=2"));
        }
    }

    #[test]
    fn an_authority_is_split_into_host_and_port() {
        // H-060, H-061
        for (authority, expected) in [
            ("example.com:8080", Some(("example.com", Some(8080)))),
            ("example.com", Some(("example.com", None))),
            ("example.com:", Some(("example.com", None))),
            ("[2001:db8::1]:8080", Some(("2001:db8::1", Some(8080)))),
            ("[2001:db8::1]", Some(("2001:db8::1", None))),
            ("user:password@h:81", Some(("h", Some(81)))),
            ("2001:db8::1", None),
            ("h:65536", None),
            ("h:+80", None),
            ("h:80x", None),
            ("[::1", None),
            ("[::1]80", None),
            ("two words", None),
            ("a/b", None),
            (":80", None),
            ("", None),
        ] {
            assert_eq!(split_authority(authority), expected, "{authority}");
        }
    }

    #[test]
    fn a_full_url_has_neither_credentials_nor_secrets() {
        // H-050, H-053
        for (url, expected) in [
            ("https://user:pw@h/", "https://REDACTED:REDACTED@h/"),
            ("https://user@h:8443/a?b=1&sig=2", "https://REDACTED:REDACTED@h:8443/a?b=1&sig=REDACTED"),
            ("http://h/a?", "http://h/a?"),
            ("http://[::1]:80/x", "http://[::1]:80/x"),
            ("http://h", "http://h/"),
            ("wss://user:pw@h/x?%73ig=1", "wss://REDACTED:REDACTED@h/x?%73ig=REDACTED"),
        ] {
            let uri: Uri = url.parse().unwrap();
            let sensitive = SENSITIVE_QUERY_KEYS.map(String::from);
            assert_eq!(full(uri.authority().unwrap().as_str(), &uri, &sensitive), expected);
        }
        assert_eq!(full("h:81", &Uri::from_static("*"), &[]), "http://h:81");
        assert_eq!(full("user:pw@h", &Uri::from_static("/a"), &[]), "http://REDACTED:REDACTED@h/a");
    }
}
