//! The connection to a server: made when it is needed, kept while it works, made anew when it does not.
//!
//! The client is hyper's. It keeps the connection between requests; a server may close one that is idle at
//! the moment in which the next request is written to it, which is nobody's fault (O-037) and told apart
//! here from a failure.

use crate::{
    Answer, Error, Heard, Remote, Signal,
    auth::{Authorization, password},
    cause,
    content::Content,
    response::one_line,
    tls::{Connector, Connectors},
    voice,
};
use http::{Extensions, HeaderMap, HeaderValue, Request, Response, Uri, header};
use hyper::body::Incoming;
use hyper_util::{
    client::legacy::{
        Client,
        connect::{CaptureConnection, HttpInfo, capture_connection},
    },
    rt::{TokioExecutor, TokioTimer},
};
use std::{borrow::Cow, cmp::Reverse, net::SocketAddr, time::SystemTime};

/// O-018: the exporter, with the distribution before it.
const USER_AGENT: HeaderValue = HeaderValue::from_static(concat!(
    "throughline/",
    env!("CARGO_PKG_VERSION"),
    " OTel-OTLP-Exporter-Rust/",
    env!("CARGO_PKG_VERSION")
));

/// What is shorter is in many words by chance: it is a secret only where it is a word.
const MIN_SECRET_BYTES: usize = 8;

/// Carries requests of one signal to one server, one at a time.
pub(crate) struct Connection {
    pub(crate) remote: Remote,
    pub(crate) signal: Signal,
    client: Client<Connector, Content>,
    connector: Connector,
    connectors: Connectors,
    authorization: Option<Authorization>,
    /// Our end of the connection that carried the last answer.
    proven: Option<SocketAddr>,
    /// What the request under way travels on.
    travels: Option<CaptureConnection>,
    /// Who answered last, for a probe.
    pub(crate) heard: Heard,
    /// When that was by the clock of the other side.
    pub(crate) date: Option<SystemTime>,
}

impl Connection {
    pub(crate) fn new(signal: Signal, mut remote: Remote) -> Result<Self, Error> {
        remote.url = without_user(remote.url);
        let fault = |fault: String| Error(format!("{remote}: {fault}"));
        if remote.url.host().is_none() || !matches!(remote.url.scheme_str(), Some("http" | "https")) {
            return Err(fault("not a complete URL; write http://host:port or https://host".into()));
        }
        let mut connectors = Connectors::new(&remote).map_err(fault)?;
        let connector = connectors.connector().map_err(fault)?;
        let credentials =
            remote.credentials.as_ref().filter(|_| !remote.headers.contains_key(header::AUTHORIZATION));
        let authorization = credentials.map(Authorization::new).transpose().map_err(fault)?;
        let client = client(&remote, connector.clone());
        Ok(Connection {
            remote,
            signal,
            client,
            connector,
            connectors,
            authorization,
            proven: None,
            travels: None,
            heard: Heard::Nothing,
            date: None,
        })
    }

    /// Takes up what changed in the files of the destination. What cannot be used is said, once; what was read before
    /// stays.
    pub(crate) fn renew(&mut self) {
        let authorization = self.authorization.as_mut().map_or(Ok(()), Authorization::renew);
        let connector = match self.connectors.have_changed() {
            true => self.connectors.connector().map(|connector| {
                self.connector = connector;
                self.forget();
            }),
            false => Ok(()),
        };
        for fault in [authorization, connector].into_iter().filter_map(Result::err) {
            let words = format!("{}: {fault}; what was read before stays in use", self.remote);
            voice::say(move || tracing::warn!(target: "throughline", "{words}"));
        }
    }

    /// The headers of the destination, and those of every request.
    pub(crate) fn headers(&self) -> HeaderMap {
        let mut headers = self.remote.headers.clone();
        if let Some(authorization) = &self.authorization {
            headers.insert(header::AUTHORIZATION, authorization.value().clone());
        }
        headers.insert(header::USER_AGENT, USER_AGENT);
        headers
    }

    /// What a server says, as one short line, without what we sent it: some repeat that in their complaint (O-093).
    pub(crate) fn told(&self, words: &str) -> String {
        let authorization = self.authorization.as_ref();
        let sent = self.remote.headers.values().chain(authorization.map(Authorization::value));
        let mut secrets: Vec<Cow<str>> = Vec::new();
        for text in sent.filter_map(|value| value.to_str().ok()) {
            // The part behind `Basic` or `Bearer`, too, and what is in it.
            secrets.extend([text, text.rsplit(' ').next().unwrap_or_default()].map(Cow::Borrowed));
            secrets.extend(password(text).map(Cow::Owned));
        }
        secrets.extend(authorization.map(|authorization| authorization.secret().into()));
        // A short one may be part of a long one.
        secrets.sort_by_key(|secret| Reverse(secret.len()));
        let words = secrets.iter().fold(words.to_owned(), |words, secret| without(&words, secret));
        one_line(&words)
    }

    /// Sends a request and waits for the head of the response, without a time limit.
    pub(crate) async fn exchange(
        &mut self,
        mut request: Request<Content>,
    ) -> Result<Response<Incoming>, Answer> {
        self.travels = Some(capture_connection(&mut request));
        self.connectors.fault(&self.remote); // of an earlier request
        self.heard = Heard::Nothing;
        match self.client.request(request).await {
            Ok(response) => {
                self.proven = our_end(response.extensions());
                self.heard = Heard::over_http(response.status());
                self.date = date(response.headers());
                Ok(response)
            }
            Err(error) => Err(self.unanswered(&error)),
        }
    }

    fn unanswered(&mut self, error: &hyper_util::client::legacy::Error) -> Answer {
        let proven = self.proven.take();
        let fault = self.connectors.fault(&self.remote);
        let cause = fault.unwrap_or_else(|| cause::words(error, &self.remote, proven.is_none()));
        if error.is_connect() {
            let advice = match self.remote.advice.as_str() {
                "" => String::new(),
                advice => format!("; {advice}"),
            };
            let cause = format!("cannot reach {}: {cause}{advice}", self.remote);
            return Answer::Busy { cause, after: None };
        }
        let mut travelled = Extensions::new();
        if let Some(connection) = error.connect_info() {
            connection.get_extras(&mut travelled);
        }
        let at_once = proven.is_some() && our_end(&travelled) == proven;
        Answer::Unanswered { cause: format!("{} did not answer: {cause}", self.remote), at_once }
    }

    /// Nothing came back in time. The connection may be dead without anybody having said so: the next attempt
    /// makes a new one.
    pub(crate) fn silent(&mut self) -> Answer {
        let limit = self.remote.timeout;
        let connected = self.travels.take().is_some_and(|travels| travels.connection_metadata().is_some());
        self.forget();
        match connected {
            true => {
                let cause = format!("{} did not answer within {limit:?}", self.remote);
                Answer::Unanswered { cause, at_once: false }
            }
            false => {
                let cause = format!("cannot reach {}: no connection within {limit:?}", self.remote);
                Answer::Busy { cause, after: None }
            }
        }
    }

    /// The next request makes a new connection.
    fn forget(&mut self) {
        self.client = client(&self.remote, self.connector.clone());
        self.proven = None;
    }
}

/// A user and password in the URL are ignored (O-004): the client would send and log them.
fn without_user(url: Uri) -> Uri {
    let mut parts = url.clone().into_parts();
    let Some(authority) = &parts.authority else { return url };
    let Some((_, place)) = authority.as_str().rsplit_once('@') else { return url };
    parts.authority = place.parse().ok();
    Uri::from_parts(parts).unwrap_or(url)
}

/// The words with `…` for the secret.
fn without(words: &str, secret: &str) -> String {
    let mut clean = String::new();
    let mut end = 0;
    for (start, _) in words.match_indices(secret).filter(|_| !secret.is_empty()) {
        let next = start + secret.len();
        let mut beside = words[..start].chars().next_back().into_iter().chain(words[next..].chars().next());
        if secret.len() >= MIN_SECRET_BYTES || !beside.any(char::is_alphanumeric) {
            clean.extend([&words[end..start], "…"]);
            end = next;
        }
    }
    clean + &words[end..]
}

fn date(headers: &HeaderMap) -> Option<SystemTime> {
    httpdate::parse_http_date(headers.get(header::DATE)?.to_str().ok()?).ok()
}

fn our_end(extensions: &Extensions) -> Option<SocketAddr> {
    extensions.get().map(HttpInfo::local_addr)
}

fn client(remote: &Remote, connector: Connector) -> Client<Connector, Content> {
    let mut client = Client::builder(TokioExecutor::new());
    client.pool_timer(TokioTimer::new()).timer(TokioTimer::new());
    #[cfg(feature = "grpc")]
    client.http2_only(remote.protocol == crate::Protocol::Grpc);
    #[cfg(not(feature = "grpc"))]
    let _ = remote;
    client.build(connector)
}
