//! Who sent a request, as far as processors ask.

use super::value;
use crate::Error;
use base64::{Engine, engine::general_purpose::STANDARD};
use http::{HeaderMap, HeaderName, header::AUTHORIZATION};
use std::net::IpAddr;

/// Of a header, so many bytes count: it may come into each of many records.
const MAX_HEADER: usize = 1024;

/// What is known of who sent a request.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Context {
    /// The address that the connection comes from, which may be that of a proxy (`client.address`).
    Address,
    /// A header of the request, the metadata of the call; several are joined with `;` (`metadata.<name>`). Whoever sends
    /// can write what he likes there.
    Header(String),
    /// The user by whose password the request was let in; nobody, where none is asked for (`auth.username`).
    User,
}

/// All that processors ask for, each once.
#[derive(Default)]
pub(crate) struct Asked(Vec<Question>);

#[derive(PartialEq)]
enum Question {
    Address,
    Header(HeaderName),
    User,
}

/// The answers to what is asked, encoded as values, in the order of the questions. Of a request that nobody sent it has
/// none.
#[derive(Clone, Debug, Default)]
pub(crate) struct Client(Vec<Option<Vec<u8>>>);

impl Asked {
    /// The place of the answer.
    pub(super) fn place(&mut self, context: &Context) -> Result<usize, Error> {
        let question = match context {
            Context::Address => Question::Address,
            Context::Header(name) => {
                Question::Header(HeaderName::try_from(name).map_err(|_| Error::header(name))?)
            }
            Context::User => Question::User,
        };
        let known = self.0.iter().position(|known| *known == question);
        Ok(known.unwrap_or_else(|| {
            self.0.push(question);
            self.0.len() - 1
        }))
    }

    /// What is known of who sent a request with these headers. Whom to believe has been decided.
    pub(crate) fn answers(&self, headers: &HeaderMap, peer: Option<IpAddr>, has_password: bool) -> Client {
        let answer = |question: &Question| match question {
            Question::Address => peer.map(|peer| peer.to_canonical().to_string()),
            Question::Header(name) => joined(headers, name),
            Question::User => user(headers).filter(|_| has_password),
        };
        Client(self.0.iter().map(|question| answer(question).map(|text| value::text(&text))).collect())
    }
}

impl Client {
    pub(super) fn answer(&self, place: usize) -> Option<&[u8]> {
        self.0.get(place)?.as_deref()
    }
}

fn joined(headers: &HeaderMap, name: &HeaderName) -> Option<String> {
    let values: Vec<_> = headers.get_all(name).iter().map(|value| value.as_bytes()).collect();
    let joined = values.join(&b';');
    let mut text = String::from_utf8_lossy(&joined).into_owned();
    let is_boundary = |end: &usize| text.is_char_boundary(*end);
    text.truncate((0..=MAX_HEADER.min(text.len())).rev().find(is_boundary).unwrap_or(0));
    (!values.is_empty()).then_some(text)
}

fn user(headers: &HeaderMap) -> Option<String> {
    let (scheme, shown) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    let shown = String::from_utf8(STANDARD.decode(shown.trim_end()).ok()?).ok()?;
    scheme.eq_ignore_ascii_case("basic").then(|| shown.split(':').next().map(str::to_owned))?
}
