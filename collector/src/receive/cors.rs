//! Which pages of other sites may send, in the words of their browsers (O-069; Fetch, CORS protocol).

use crate::{Error, config::Cors, reply::Reply};
use http::{
    HeaderMap, HeaderValue, Method, Request, Response, StatusCode,
    header::{
        ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
        ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_HEADERS, ACCESS_CONTROL_REQUEST_METHOD, ORIGIN, VARY,
    },
};

/// The answers to browsers, prepared.
pub(crate) struct Policy {
    origins: Vec<String>,
    /// `None`: any.
    headers: Option<HeaderValue>,
    max_age: HeaderValue,
}

impl Policy {
    pub(crate) fn new(cors: &Cors) -> Result<Self, Error> {
        let named = || {
            let headers = HeaderValue::try_from(cors.headers.join(", "));
            headers.map_err(|_| {
                Error::receive("the headers of CORS have characters that a header cannot hold".into())
            })
        };
        let is_any = cors.headers.iter().any(|header| header == "*");
        Ok(Policy {
            origins: cors.origins.clone(),
            headers: if is_any { None } else { Some(named()?) },
            max_age: HeaderValue::from(cors.max_age.as_secs()),
        })
    }

    /// The origin of a request whose page may send.
    pub(super) fn origin(&self, headers: &HeaderMap) -> Option<HeaderValue> {
        let mut origins = headers.get_all(ORIGIN).iter();
        let origin = origins.next().filter(|_| origins.next().is_none())?;
        let is_known = |pattern: &String| fits(pattern.as_bytes(), origin.as_bytes());
        self.origins.iter().any(is_known).then(|| origin.clone())
    }

    /// The answer to a browser that asks beforehand.
    pub(super) fn preflight<B>(&self, request: &Request<B>) -> Option<Response<Reply>> {
        if request.method() != Method::OPTIONS
            || !request.headers().contains_key(ACCESS_CONTROL_REQUEST_METHOD)
        {
            return None;
        }
        let mut response = Response::new(Reply::default());
        *response.status_mut() = StatusCode::NO_CONTENT;
        let headers = response.headers_mut();
        headers.insert(ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("POST"));
        headers.insert(ACCESS_CONTROL_MAX_AGE, self.max_age.clone());
        let asked = || request.headers().get(ACCESS_CONTROL_REQUEST_HEADERS).cloned();
        if let Some(allowed) = self.headers.clone().or_else(asked) {
            headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, allowed);
        }
        Some(response)
    }
}

/// Lets the page read the answer.
pub(super) fn show(response: &mut Response<Reply>, origin: HeaderValue) {
    response.headers_mut().insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    response.headers_mut().insert(VARY, HeaderValue::from_static("origin"));
}

/// Whether a text fits a pattern, in which `*` stands for any characters.
fn fits(pattern: &[u8], text: &[u8]) -> bool {
    let (mut at, mut from) = (0, 0);
    // Where the last star was, and up to where it reaches.
    let mut star = None;
    while from < text.len() {
        match pattern.get(at) {
            Some(b'*') => {
                star = Some((at, from));
                at += 1;
            }
            Some(byte) if byte.eq_ignore_ascii_case(&text[from]) => (at, from) = (at + 1, from + 1),
            _ => match star {
                Some((place, reach)) => {
                    star = Some((place, reach + 1));
                    (at, from) = (place + 1, reach + 1);
                }
                None => return false,
            },
        }
    }
    pattern[at..].iter().all(|byte| *byte == b'*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_any_characters_and_nothing_else_does() {
        for (pattern, text, expected) in [
            ("*", "https://shop.example", true),
            ("https://shop.example", "https://shop.example", true),
            ("https://SHOP.example", "https://shop.example", true),
            ("https://*.example", "https://a.b.example", true),
            ("https://*.shop.*", "https://www.shop.shop.de", true),
            ("http*://shop.example", "http://shop.example", true),
            ("https://*.example", "https://example", false),
            ("https://*.example", "https://evil.example.net", false),
            ("https://shop.example", "https://shop.example.net", false),
            ("https://shop.example", "https://shop-example", false),
            ("https://shop.example", "", false),
            ("", "null", false),
        ] {
            assert_eq!(fits(pattern.as_bytes(), text.as_bytes()), expected, "{pattern} {text}");
        }
    }
}
