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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::process::{Action, Process, Processor, Value};
    use opentelemetry_proto::tonic::common::v1::{AnyValue, any_value};
    use prost::Message;

    // B-067: from_context
    #[test]
    fn of_who_sends_a_name_is_known_only_if_its_password_was_asked_for_and_of_a_header_so_many_bytes() {
        let of = |context| Action::Insert("of".into(), Value::Context(context));
        let contexts = [Context::User, Context::Header("X-Long".into()), Context::Address, Context::User];
        let mut asked = Asked::default();
        Process::new(&[Processor::resource(contexts.map(of))], &mut asked).unwrap();
        let mut headers = http::HeaderMap::new();
        let answers = |headers: &http::HeaderMap, peer, has_password| {
            let client = asked.answers(headers, peer, has_password);
            [0, 1, 2].map(|place| {
                let answer = client.answer(place)?;
                Some(AnyValue::decode(answer).unwrap().value.unwrap())
            })
        };
        let text = |text: &str| Some(any_value::Value::StringValue(text.into()));
        assert_eq!(answers(&headers, None, true), [None, None, None]);
        headers.insert("x-long", http::HeaderValue::from_bytes("ü".repeat(600).as_bytes()).unwrap());
        let long = text(&"ü".repeat(512));
        for (shown, user) in
            [("basic YWRhOnNlY3JldA==", text("ada")), ("Bearer YWRhOnNlY3JldA==", None), ("Basic ?", None)]
        {
            headers.insert("authorization", shown.parse().unwrap());
            assert_eq!(
                answers(&headers, Some("::1".parse().unwrap()), true),
                [user, long.clone(), text("::1")]
            );
            assert_eq!(answers(&headers, None, false), [None, long.clone(), None]);
        }
        let error =
            Process::new(&[Processor::resource([of(Context::Header("a b".into()))])], &mut Asked::default())
                .err()
                .unwrap();
        assert_eq!(
            error.to_string(),
            r#""a b" is no name of a header, from which a processor takes a value; name one"#
        );
    }
}
