//! Whether a request is what OTLP asks for, to the letter.

use super::{
    Setup,
    content::{self, Content},
};
use crate::sender::Signal;
use bytes::Bytes;
use http::{HeaderMap, Method, header, request::Parts};

/// Which of the two ports, and what is spoken there.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Port {
    Http,
    Grpc,
}

/// What is wrong with a request, as it is answered over HTTP and over gRPC.
#[derive(Debug)]
pub(super) struct Objection {
    pub(super) status: u16,
    pub(super) code: u32,
    pub(super) words: String,
}

fn object<T>(status: u16, code: u32, words: impl Into<String>) -> Result<T, Objection> {
    Err(Objection { status, code, words: words.into() })
}

/// What the head of a request says of its body.
#[derive(Debug)]
pub(super) struct Judged {
    pub(super) signal: Signal,
    port: Port,
    is_json: bool,
    encoding: Option<String>,
}

impl Judged {
    /// Judges all that comes before the body.
    pub(super) fn head(setup: &Setup, port: Port, head: &Parts) -> Result<Self, Objection> {
        if !setup.credentials.is_empty() && !permitted(setup, &head.headers) {
            return object(401, 16, "the credentials are missing or wrong");
        }
        let signal = signal(setup, port, head.uri.path())?;
        if head.method != Method::POST {
            return object(405, 12, format!("{} instead of POST", head.method));
        }
        let content_type = text(&head.headers, header::CONTENT_TYPE.as_str());
        // Prometheus and Loki compare the string: no parameters (O-040).
        let is_json = match (port, content_type) {
            (Port::Http, Some("application/x-protobuf"))
            | (Port::Grpc, Some("application/grpc" | "application/grpc+proto")) => false,
            (Port::Http, Some("application/json")) => true,
            (_, other) => return object(415, 13, format!("content-type {}", other.unwrap_or("missing"))),
        };
        if port == Port::Grpc && text(&head.headers, header::TE.as_str()) != Some("trailers") {
            return object(400, 13, "a gRPC call without \"te: trailers\"");
        }
        let name = if port == Port::Grpc { "grpc-encoding" } else { header::CONTENT_ENCODING.as_str() };
        let encoding = text(&head.headers, name).map(str::to_owned);
        Ok(Judged { signal, port, is_json, encoding })
    }

    /// Judges the body: what it holds, and by what it was compressed.
    pub(super) fn body(&self, body: Bytes) -> Result<(Content, Option<String>), Objection> {
        self.decode(body).or_else(|words| object(400, 3, words))
    }

    fn decode(&self, body: Bytes) -> Result<(Content, Option<String>), String> {
        let encoding = self.encoding.as_deref();
        let (compressed, message) = match self.port {
            Port::Grpc => content::unframe(encoding, body)?,
            Port::Http => (encoding != Some("identity"), content::decompress(encoding, body)?),
        };
        let content = match self.is_json {
            true => Content::of_json(self.signal, &message)?,
            false => Content::of_protobuf(self.signal, &message)?,
        };
        // A request without anything asks whether somebody is there (O-052).
        if content.items() == 0 && !matches!(&message[..], b"" | b"{}") {
            return Err(format!("no {} at all (O-038)", self.signal.items()));
        }
        Ok((content, self.encoding.clone().filter(|_| compressed)))
    }
}

fn permitted(setup: &Setup, headers: &HeaderMap) -> bool {
    let given = text(headers, header::AUTHORIZATION.as_str());
    given.is_some_and(|given| setup.credentials.iter().any(|wanted| wanted == given))
}

fn signal(setup: &Setup, port: Port, path: &str) -> Result<Signal, Objection> {
    let found = Signal::ALL.into_iter().find(|signal| match port {
        Port::Grpc => path == signal.grpc_path(),
        Port::Http => {
            let below = path.strip_prefix(setup.base_path.as_str()).and_then(|rest| rest.strip_prefix('/'));
            below == Some(signal.http_path())
        }
    });
    match found {
        Some(signal) => Ok(signal),
        None => object(404, 12, format!("nothing is at {path:?}")),
    }
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).map(|value| value.to_str().unwrap_or("(not text)"))
}
