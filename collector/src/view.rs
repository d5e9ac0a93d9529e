//! The pages and the JSON at the view's port.
//!
//! Pages are made on the server, need no script and load nothing from elsewhere. [`access`] says who may look.

mod access;
mod address;
mod api;
mod asset;
mod chart;
mod compare;
mod condition;
mod filter;
mod frame;
mod line;
mod list;
mod live;
mod logs;
mod map;
mod metrics;
mod page;
mod palette;
mod panel;
mod pipeline;
mod press;
mod query;
mod records;
mod share;
mod text;
mod waterfall;

use crate::{Addresses, desk::Author, intake::Intake, reply::Reply, trace::parse};
use ::http::{
    HeaderName, HeaderValue, Method, Request, Response, StatusCode,
    header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, LOCATION, SET_COOKIE},
};
pub use access::Token;
use access::{Access, Entry};
use condition::Fault;
use filter::Filter;
use frame::Frame;
use logs::Wanted;
use maud::{Markup, html};
use palette::Palette;
use query::Query;
use std::{sync::Arc, time::Duration};
use tokio::sync::Semaphore;

const HTML: &str = "text/html; charset=utf-8";
const TEXT: &str = "text/plain; charset=utf-8";
const JSON: &str = "application/json";
const CSS: &str = "text/css; charset=utf-8";
const EVENTS: &str = "text/event-stream";
const JAVASCRIPT: &str = "text/javascript; charset=utf-8";

/// On every answer: nothing runs that is not a file of ours, nothing is loaded from elsewhere, nobody is told where a
/// link was.
const PROTECTION: [(&str, &str); 5] = [
    (
        "content-security-policy",
        "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src data:; \
         form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    ),
    ("x-content-type-options", "nosniff"),
    ("referrer-policy", "no-referrer"),
    ("cross-origin-resource-policy", "same-origin"),
    ("cross-origin-opener-policy", "same-origin"),
];

/// Where traces leave as files, and where files are taken.
const EXPORT: &str = "/api/export";
const IMPORT: &str = "/api/import";

/// Answers with pages.
#[derive(Clone)]
pub(crate) struct View {
    intake: Arc<Intake>,
    addresses: Addresses,
    access: Access,
    palette: Arc<Palette>,
    /// How long a page that listens may hear nothing.
    pause: Duration,
    listeners: Arc<Semaphore>,
}

impl View {
    /// Connections last as long as somebody reads from them within the patience.
    pub(crate) fn new(
        intake: Arc<Intake>,
        addresses: Addresses,
        token: Option<Token>,
        patience: Duration,
    ) -> Self {
        let access = Access::new(token, addresses.view.map_or(0, |address| address.port()));
        let listeners = Arc::new(Semaphore::new(live::LISTENERS));
        View { intake, addresses, access, palette: Arc::default(), pause: patience / 3, listeners }
    }

    /// A part of the page of a trace: see [`page::rows`] and [`page::details`].
    fn piece(&self, path: &str, query: &Query) -> Response<Reply> {
        let piece = match path.split_once('/') {
            Some((id, "rows")) => page::rows(&self.intake, &self.palette, id, query),
            Some((id, "details")) => page::details(&self.intake, &self.palette, id, query),
            _ => None,
        };
        match piece {
            Some(piece) => page(StatusCode::OK, piece),
            None => page(StatusCode::NOT_FOUND, lost()),
        }
    }

    fn events(&self, query: &Query) -> Response<Reply> {
        let trace = query.value("trace").and_then(parse);
        live::stream(&self.intake, trace, &self.listeners, self.pause).unwrap_or_else(|| {
            answer(StatusCode::SERVICE_UNAVAILABLE, TEXT, "too many pages listen\n".into())
        })
    }

    /// Answers those who may look.
    fn open(&self, request: &Request<()>) -> Response<Reply> {
        if is_import(request) {
            return share::import(&self.intake, request);
        }
        if !matches!(*request.method(), Method::GET | Method::HEAD) {
            let mut response =
                answer(StatusCode::METHOD_NOT_ALLOWED, TEXT, "the view is only for reading\n".into());
            response.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
            return response;
        }
        let path = request.uri().path();
        if let Some(response) = asset::respond(path, request.headers()) {
            return response;
        }
        let query = Query::parse(request.uri().query().unwrap_or_default());
        match path {
            EXPORT => share::export(&self.intake, &query),
            live::PATH => self.events(&query),
            _ => self.page(path, &query),
        }
    }

    fn page(&self, path: &str, query: &Query) -> Response<Reply> {
        match path {
            // Whoever searches for a trace id wants that trace.
            "/" if query.value("q").is_some_and(|words| parse(words.trim()).is_some()) => {
                elsewhere(&format!("/trace/{}", query.value("q").unwrap_or_default().trim()))
            }
            "/" => page(StatusCode::OK, list::page(&self.intake, &self.addresses, &self.palette, query)),
            "/compare" => page(StatusCode::OK, compare::page(&self.intake, &self.palette, query)),
            "/logs" => page(StatusCode::OK, logs::page(&self.intake, &self.palette, query)),
            "/metrics" => page(StatusCode::OK, metrics::page(&self.intake, &self.palette, query)),
            "/metrics/runtime" => page(StatusCode::OK, metrics::runtime(&self.intake, &self.palette, query)),
            "/map" => page(StatusCode::OK, map::page(&self.intake, &self.palette, query)),
            "/pipeline" => page(StatusCode::OK, pipeline::page(&self.intake, &self.addresses)),
            _ => match (path.strip_prefix("/trace/"), path.strip_prefix("/api/")) {
                (Some(piece), _) if piece.contains('/') => self.piece(piece, query),
                (Some(id), _) => match page::page(&self.intake, &self.palette, id, query) {
                    Some(content) => page(StatusCode::OK, content),
                    None => page(StatusCode::NOT_FOUND, page::missing(id)),
                },
                (_, Some("traces")) if Filter::of(query).fault().is_some() => {
                    complaint(Filter::of(query).fault())
                }
                (_, Some("logs")) if Wanted::of(query).fault().is_some() => {
                    complaint(Wanted::of(query).fault())
                }
                (_, Some(_)) => match api::answer(&self.intake, &self.addresses, path, query) {
                    Some(json) => answer(StatusCode::OK, JSON, json),
                    None => {
                        answer(StatusCode::NOT_FOUND, JSON, br#"{"error":"there is nothing here"}"#.into())
                    }
                },
                _ => page(StatusCode::NOT_FOUND, lost()),
            },
        }
    }
}

impl Author for View {
    fn answer(&self, request: &Request<()>) -> Response<Reply> {
        let mut response = match self.access.entry(request) {
            Entry::Open => press::pressed(request.headers(), self.open(request)),
            entry => closed(entry),
        };
        for (name, value) in PROTECTION {
            response.headers_mut().insert(HeaderName::from_static(name), HeaderValue::from_static(value));
        }
        response.headers_mut().entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
        response
    }

    fn takes(&self, request: &Request<()>) -> Option<usize> {
        let may_send = is_import(request) && self.access.entry(request) == Entry::Open;
        may_send.then_some(self.intake.max_request_bytes)
    }

    fn is_light(&self, path: &str) -> bool {
        path == "/api/status" || path == live::PATH || asset::is_one(path)
    }
}

/// What is said to those who may not look, or not yet.
fn closed(entry: Entry) -> Response<Reply> {
    let (status, words) = match entry {
        Entry::Welcome { cookie, to } => {
            let mut response = elsewhere(&to);
            if let Ok(cookie) = HeaderValue::from_str(&cookie) {
                response.headers_mut().insert(SET_COOKIE, cookie);
            }
            return response;
        }
        Entry::Foreign => {
            (StatusCode::FORBIDDEN, "the view answers only to localhost, 127.0.0.1 and [::1]\n")
        }
        Entry::Elsewhere => (StatusCode::FORBIDDEN, "the view answers no pages of other sites\n"),
        _ => (
            StatusCode::UNAUTHORIZED,
            "the token is missing or wrong; open the address that the program printed when it started, with ?token=\n",
        ),
    };
    answer(status, TEXT, words.into())
}

/// What is asked for is at another path.
fn elsewhere(path: &str) -> Response<Reply> {
    let mut response = answer(StatusCode::SEE_OTHER, TEXT, Vec::new());
    if let Ok(path) = HeaderValue::from_str(path) {
        response.headers_mut().insert(LOCATION, path);
    }
    response
}

/// A search that means nothing.
fn complaint(fault: Option<&Fault>) -> Response<Reply> {
    let words = fault.map(Fault::to_string).unwrap_or_default();
    answer(StatusCode::BAD_REQUEST, JSON, serde_json::json!({ "error": words }).to_string().into())
}

/// Whether somebody sends a file.
fn is_import(request: &Request<()>) -> bool {
    request.method() == Method::POST && request.uri().path() == IMPORT
}

fn page(status: StatusCode, content: Markup) -> Response<Reply> {
    answer(status, HTML, content.into_string().into())
}

fn answer(status: StatusCode, kind: &'static str, body: Vec<u8>) -> Response<Reply> {
    let mut response = Response::new(Reply::of(body));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    response
}

fn lost() -> Markup {
    let content = frame::empty("There is no such page", html! { p { a.button href="/" { "All traces" } } });
    Frame::new(None, "no such page").page(content)
}
