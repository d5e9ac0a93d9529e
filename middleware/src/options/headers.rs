use http::{HeaderMap, HeaderName};
use opentelemetry::{Array, Key, KeyValue, StringValue, Value};

use super::Invalid;
use crate::attributes::bounded;

/// Headers that carry secrets: told as `REDACTED` unless they are asked for by [`CapturedHeaders::with_secrets`].
const SECRET_HEADERS: [&str; 9] = [
    "authorization",
    "cookie",
    "proxy-authorization",
    "set-cookie",
    "x-amz-security-token",
    "x-api-key",
    "x-auth-token",
    "x-csrf-token",
    "x-xsrf-token",
];
/// Most lines of one header that are captured.
const MOST_LINES: usize = 16;
const REDACTED: &str = "REDACTED";

/// Headers that become attributes of a span, each by its name: there is no way to capture all.
///
/// The attribute's key ends with the header's name in lower case, its value is the list of the header's lines.
/// At most 16 lines of 4,096 bytes each are told; what is not UTF-8 in them becomes U+FFFD. A header that is
/// not there has no attribute. Of `authorization`, `cookie` and others that carry secrets only the presence is
/// told, as `REDACTED`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CapturedHeaders {
    names: Vec<HeaderName>,
    with_secrets: bool,
}

impl CapturedHeaders {
    /// Captures the headers of these names, in any case.
    ///
    /// ```
    /// # use throughline_middleware::options::CapturedHeaders;
    /// let headers = CapturedHeaders::new(["X-Request-Id", "content-type"])?;
    /// assert!(CapturedHeaders::new(["*"]).is_ok_and(|headers| headers.names().eq(["*"])), "no wildcard: a name");
    /// # Ok::<_, throughline_middleware::options::Invalid>(())
    /// ```
    ///
    /// # Errors
    /// If one is not the name of a header.
    pub fn new<N: AsRef<str>>(names: impl IntoIterator<Item = N>) -> Result<Self, Invalid> {
        let parse = |name: N| {
            let name = name.as_ref().trim();
            name.parse().map_err(|_| Invalid::new(name, "is not the name of a header"))
        };
        let mut names = names.into_iter().map(parse).collect::<Result<Vec<HeaderName>, _>>()?;
        names.sort_unstable_by(|left, right| left.as_str().cmp(right.as_str()));
        names.dedup();
        Ok(Self { names, with_secrets: false })
    }

    /// Tells also the values of headers that carry secrets, if they are among the names.
    #[must_use]
    pub fn with_secrets(mut self) -> Self {
        self.with_secrets = true;
        self
    }

    /// Returns the names, sorted.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.names.iter().map(HeaderName::as_str)
    }

    /// Prepares the keys of the attributes.
    pub(crate) fn keyed(&self, prefix: &str) -> Capture {
        let key = |name: &HeaderName| Key::from(format!("{prefix}{}", name.as_str()));
        let is_secret = |name: &HeaderName| !self.with_secrets && SECRET_HEADERS.contains(&name.as_str());
        Capture(self.names.iter().map(|name| (name.clone(), key(name), is_secret(name))).collect())
    }
}

/// Headers with the keys of their attributes, and whether they are told as `REDACTED`.
#[derive(Clone, Debug, Default)]
pub(crate) struct Capture(Vec<(HeaderName, Key, bool)>);

impl Capture {
    /// Tells the headers that are there.
    pub(crate) fn tell(&self, headers: &HeaderMap, told: &mut Vec<KeyValue>) {
        for (name, key, is_secret) in &self.0 {
            let lines = headers.get_all(name).iter().take(MOST_LINES);
            let lines = lines.map(|line| match is_secret {
                true => StringValue::from(REDACTED),
                false => StringValue::from(bounded(&String::from_utf8_lossy(line.as_bytes())).to_owned()),
            });
            let lines = Vec::from_iter(lines);
            if !lines.is_empty() {
                told.push(KeyValue::new(key.clone(), Value::Array(Array::String(lines))));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(captured: &CapturedHeaders, headers: &[(&str, &[u8])]) -> Vec<KeyValue> {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(name.parse::<HeaderName>().unwrap(), value.to_vec().try_into().unwrap());
        }
        let mut told = Vec::new();
        captured.keyed("http.request.header.").tell(&map, &mut told);
        told
    }

    fn list<const N: usize>(values: [&'static str; N]) -> Value {
        Value::Array(Array::String(values.map(StringValue::from).to_vec()))
    }

    #[test]
    fn lines_of_a_header_are_a_list_under_its_lower_case_name() {
        // H-046, H-071, H-072, H-073
        let captured = CapturedHeaders::new(["X-Forwarded-For", "x-none", "User-Agent"]).unwrap();
        let told = told(
            &captured,
            &[("x-forwarded-for", b"1.2.3.4"), ("X-FORWARDED-FOR", b"1.2.3.5"), ("user-agent", b"curl\xff")],
        );
        assert_eq!(
            told,
            [
                KeyValue::new("http.request.header.user-agent", list(["curl\u{fffd}"])),
                KeyValue::new("http.request.header.x-forwarded-for", list(["1.2.3.4", "1.2.3.5"])),
            ]
        );
    }

    #[test]
    fn secrets_are_told_only_when_asked_for_twice() {
        // H-070, H-074
        for secret in SECRET_HEADERS {
            let captured = CapturedHeaders::new([secret]).unwrap();
            let key = format!("http.request.header.{secret}");
            let headers: &[(&str, &[u8])] = &[(secret, b"hunter2")];
            assert_eq!(told(&captured, headers), [KeyValue::new(key.clone(), list(["REDACTED"]))]);
            assert_eq!(told(&captured.with_secrets(), headers), [KeyValue::new(key, list(["hunter2"]))]);
        }
        assert_eq!(told(&CapturedHeaders::default(), &[("x-request-id", b"7")]), []);
    }

    #[test]
    fn a_name_that_is_none_is_refused_with_its_text() {
        let refused = CapturedHeaders::new(["x request"]).unwrap_err();
        assert_eq!(refused.to_string(), "\"x request\" is not the name of a header");
    }

    #[test]
    fn values_and_their_number_are_bounded() {
        let captured = CapturedHeaders::new(["x"]).unwrap();
        let long = vec![b'a'; 8000];
        let headers = Vec::from_iter(std::iter::repeat_n(("x", &*long), 100));
        let [KeyValue { value: Value::Array(Array::String(lines)), .. }] = &told(&captured, &headers)[..]
        else {
            panic!("not one list")
        };
        assert_eq!(lines.len(), MOST_LINES);
        assert!(lines.iter().all(|line| line.as_str().len() == 4096));
    }
}
