//! Who may look: this machine's own pages, or whoever shows the token.
//!
//! Without a token only the names of this machine are answered: another site whose name was made to point here cannot
//! read anything. With a token every name is, since a browser shows it to this one only. In both cases pages of other
//! sites, and of other ports, may lead here and nothing else.

use crate::{Error, origin::is_for_loopback};
use http::{
    HeaderMap, HeaderValue, Method, Request, Uri,
    header::{AUTHORIZATION, COOKIE, HOST, ORIGIN},
};
use std::{fmt, hint::black_box};

/// A shorter token could be guessed, in characters.
const MIN_LENGTH: usize = 16;

/// Of a token that is made, in bytes.
const RANDOM: usize = 16;

/// What somebody has to show who looks: at least 16 letters, digits, `-`, `.`, `_` or `~`. It has no `Display`, and `Debug`
/// does not show it.
///
/// A browser gets it in the address that [`Collector::view_url`](crate::Collector::view_url) tells, and shows it as a cookie
/// from then on. Programs send `Authorization: Bearer …`.
#[derive(Clone, PartialEq, Eq)]
pub struct Token(String);

impl Token {
    /// One that nobody else knows.
    ///
    /// # Errors
    /// The system gives no random bytes.
    pub fn random() -> Result<Token, Error> {
        let mut bytes = [0; RANDOM];
        getrandom::fill(&mut bytes).map_err(|fault| Error::token(&fault.to_string()))?;
        Ok(Token(crate::trace::hex(&bytes)))
    }

    /// One that was agreed.
    ///
    /// # Errors
    /// It is too short, or has other characters.
    pub fn new(text: impl Into<String>) -> Result<Token, Error> {
        let text = text.into();
        let is_plain = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte));
        match is_plain && text.len() >= MIN_LENGTH {
            true => Ok(Token(text)),
            false => {
                Err(Error::token("it needs at least 16 characters, all of them letters, digits, - . _ or ~"))
            }
        }
    }

    /// In an address.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// How long it takes depends on the lengths alone.
    fn is(&self, shown: &str) -> bool {
        let (wanted, shown) = (self.0.as_bytes(), shown.as_bytes());
        let differences = wanted.iter().zip(shown).fold(0, |sum, (a, b)| black_box(sum | (a ^ b)));
        wanted.len() == shown.len() && differences == 0
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token")
    }
}

/// Whether a request is answered.
#[derive(Debug, PartialEq)]
pub(crate) enum Entry {
    /// It is.
    Open,
    /// It is for a name that is not one of this machine.
    Foreign,
    /// A page of another site asks.
    Elsewhere,
    /// The token is missing or wrong.
    Locked,
    /// The token is in the address: it is to be shown as this cookie, at the same address without it.
    Welcome { cookie: String, to: String },
}

/// Who may look at the view of one port.
#[derive(Clone)]
pub(crate) struct Access {
    token: Option<Token>,
    /// Cookies are for all ports of a machine.
    cookie: String,
}

impl Access {
    pub(crate) fn new(token: Option<Token>, port: u16) -> Self {
        Access { token, cookie: format!("throughline-{port}") }
    }

    pub(crate) fn entry<B>(&self, request: &Request<B>) -> Entry {
        let headers = request.headers();
        if self.token.is_none() && !is_for_loopback(request) {
            return Entry::Foreign;
        }
        if is_from_elsewhere(request) || is_taken_from_elsewhere(request) {
            return Entry::Elsewhere;
        }
        let Some(token) = &self.token else { return Entry::Open };
        if let Some(shown) = in_address(request.uri()) {
            return match token.is(&shown) {
                true => Entry::Welcome { cookie: self.cookie(token), to: without_token(request.uri()) },
                false => Entry::Locked,
            };
        }
        match self.shown(headers).any(|shown| token.is(shown)) {
            true => Entry::Open,
            false => Entry::Locked,
        }
    }

    fn cookie(&self, token: &Token) -> String {
        format!("{}={}; Path=/; HttpOnly; SameSite=Strict", self.cookie, token.0)
    }

    /// What is shown as a cookie or as a header.
    fn shown<'a>(&'a self, headers: &'a HeaderMap) -> impl Iterator<Item = &'a str> {
        let texts =
            |name| headers.get_all(name).into_iter().filter_map(|value: &HeaderValue| value.to_str().ok());
        let cookies = texts(COOKIE).flat_map(|cookies| cookies.split(';'));
        let of_cookie = cookies.filter_map(|cookie| {
            let (name, value) = cookie.trim().split_once('=')?;
            (name == self.cookie).then_some(value)
        });
        let of_header = texts(AUTHORIZATION).filter_map(|value| {
            let (scheme, token) = value.split_once(' ')?;
            scheme.eq_ignore_ascii_case("bearer").then_some(token.trim())
        });
        of_cookie.chain(of_header)
    }
}

/// Whether a page of another origin sent it: not that of the name and port to which it was sent.
fn is_from_elsewhere<B>(request: &Request<B>) -> bool {
    // HTTP/1.1 has the name in `Host`, HTTP/2 in the URI.
    let host = request.headers().get(HOST).map(HeaderValue::as_bytes);
    let host = host.or_else(|| request.uri().authority().map(|authority| authority.as_str().as_bytes()));
    request.headers().get_all(ORIGIN).iter().any(|origin| {
        let origin = origin.as_bytes();
        let name = [&b"http://"[..], b"https://"].into_iter().find_map(|scheme| origin.strip_prefix(scheme));
        name.is_none() || name != host
    })
}

/// Whether a browser says that another site wants something else than to lead here.
fn is_taken_from_elsewhere<B>(request: &Request<B>) -> bool {
    let says = |name: &str| request.headers().get(name).map(HeaderValue::as_bytes);
    let leads = says("sec-fetch-mode") == Some(b"navigate") && request.method() == Method::GET;
    matches!(says("sec-fetch-site"), Some(b"cross-site" | b"same-site")) && !leads
}

fn in_address(uri: &Uri) -> Option<String> {
    parts(uri).find_map(|part| part.strip_prefix("token=")).map(super::query::decode)
}

fn without_token(uri: &Uri) -> String {
    let rest: Vec<&str> = parts(uri).filter(|part| !part.starts_with("token=")).collect();
    // A second slash at the beginning would be the name of another machine.
    let path = format!("/{}", uri.path().trim_start_matches('/'));
    if rest.is_empty() { path } else { format!("{path}?{}", rest.join("&")) }
}

fn parts(uri: &Uri) -> impl Iterator<Item = &str> {
    uri.query().unwrap_or_default().split('&').filter(|part| !part.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOKEN: &str = "0123456789abcdef";

    fn entry(token: Option<&str>, path: &str, headers: &[(&str, &str)]) -> Entry {
        let access = Access::new(token.map(|token| Token::new(token).unwrap()), 4319);
        let request = Request::builder().uri(path);
        let add =
            |request: http::request::Builder, (name, value): &(&str, &str)| request.header(*name, *value);
        access.entry(&headers.iter().fold(request, add).body(()).unwrap())
    }

    #[test]
    fn without_a_token_this_machine_looks_and_no_page_of_another_origin() {
        let local = ("host", "localhost:4319");
        assert_eq!(entry(None, "/", &[local]), Entry::Open);
        assert_eq!(entry(None, "/", &[("host", "evil.example:4319")]), Entry::Foreign);
        assert_eq!(entry(None, "/", &[local, ("origin", "http://localhost:4319")]), Entry::Open);
        for origin in ["http://localhost:3000", "http://127.0.0.1:4319", "http://evil.example", "null", ""] {
            assert_eq!(entry(None, "/", &[local, ("origin", origin)]), Entry::Elsewhere, "{origin}");
        }
        let site = |site, mode| [local, ("sec-fetch-site", site), ("sec-fetch-mode", mode)];
        assert_eq!(entry(None, "/", &site("same-origin", "cors")), Entry::Open);
        assert_eq!(entry(None, "/", &site("none", "navigate")), Entry::Open);
        assert_eq!(entry(None, "/", &site("cross-site", "navigate")), Entry::Open);
        assert_eq!(entry(None, "/", &site("cross-site", "no-cors")), Entry::Elsewhere);
        assert_eq!(entry(None, "/", &site("same-site", "cors")), Entry::Elsewhere);
    }

    #[test]
    fn with_a_token_whoever_shows_it_looks_under_any_name() {
        fn with(path: &str, header: (&str, &str)) -> Entry {
            entry(Some(TOKEN), path, &[("host", "devbox.example:4319"), header])
        }
        let cookie = format!("a=b; throughline-4319={TOKEN}; c=d");
        assert_eq!(with("/", ("cookie", &cookie)), Entry::Open);
        assert_eq!(with("/", ("authorization", &format!("bearer {TOKEN}"))), Entry::Open);
        for (name, value) in [
            ("cookie", "throughline-4319=0123456789abcdeg".to_owned()),
            ("cookie", format!("throughline-4320={TOKEN}")),
            ("cookie", format!("throughline-4319={TOKEN}0")),
            ("authorization", format!("Basic {TOKEN}")),
            ("authorization", TOKEN.to_owned()),
            ("x-token", TOKEN.to_owned()),
        ] {
            assert_eq!(with("/", (name, &value)), Entry::Locked, "{name}: {value}");
        }
        let welcome = |to: &str| Entry::Welcome {
            cookie: format!("throughline-4319={TOKEN}; Path=/; HttpOnly; SameSite=Strict"),
            to: to.to_owned(),
        };
        let plain = ("accept", "*/*");
        assert_eq!(with(&format!("/?token={TOKEN}"), plain), welcome("/"));
        assert_eq!(with(&format!("/trace/1?a=b&token={TOKEN}&c"), plain), welcome("/trace/1?a=b&c"));
        assert_eq!(with(&format!("//evil.example?token={TOKEN}"), plain), welcome("/evil.example"));
        assert_eq!(with("/?token=wrong", ("cookie", &cookie)), Entry::Locked);
    }

    #[test]
    fn a_token_is_long_and_plain_and_never_the_same_and_is_not_shown() {
        for text in ["short", "0123456789abcde", "0123456789abcde;", "0123456789abcdeé"] {
            assert!(Token::new(text).is_err(), "{text}");
        }
        let (one, other) = (Token::random().unwrap(), Token::random().unwrap());
        assert!(one != other && one.as_str().len() == 32);
        assert_eq!(format!("{one:?}"), "Token");
    }
}
