//! The pages and the JSON at the view's port.
//!
//! Pages are made on the server, need no script and load nothing from elsewhere. Only loopback names are answered:
//! another site whose name was made to point here cannot read anything.

mod api;
mod filter;
mod list;
mod page;
mod panel;
mod query;
mod records;
mod text;
mod waterfall;

use crate::{Addresses, desk::Author, intake::Intake, origin::is_for_loopback, reply::Reply};
use ::http::{
    HeaderName, HeaderValue, Method, Request, Response, StatusCode,
    header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE},
};
use maud::{DOCTYPE, Markup, html};
use query::Query;
use std::sync::{Arc, Mutex, PoisonError};

const HTML: &str = "text/html; charset=utf-8";
const TEXT: &str = "text/plain; charset=utf-8";
const JSON: &str = "application/json";
const CSS: &str = "text/css; charset=utf-8";

/// On every answer: nothing runs, nothing is loaded from elsewhere, nobody is told where a link was.
const PROTECTION: [(&str, &str); 4] = [
    (
        "content-security-policy",
        "default-src 'none'; style-src 'self'; img-src data:; form-action 'self'; base-uri 'none'; \
         frame-ancestors 'none'",
    ),
    ("x-content-type-options", "nosniff"),
    ("referrer-policy", "no-referrer"),
    ("cross-origin-resource-policy", "same-origin"),
];

/// Colours for services; the style sheet has as many.
const COLOURS: usize = 12;

/// Answers with pages.
#[derive(Clone)]
pub(crate) struct View {
    intake: Arc<Intake>,
    addresses: Addresses,
    palette: Arc<Palette>,
}

impl View {
    pub(crate) fn new(intake: Arc<Intake>, addresses: Addresses) -> Self {
        View { intake, addresses, palette: Arc::default() }
    }

    fn page(&self, path: &str, query: &Query) -> Response<Reply> {
        match path {
            "/" => page(StatusCode::OK, list::page(&self.intake, &self.addresses, &self.palette, query)),
            "/style.css" => answer(StatusCode::OK, CSS, include_str!("view/style.css").into()),
            _ => match (path.strip_prefix("/trace/"), path.strip_prefix("/api/")) {
                (Some(id), _) => match page::page(&self.intake, &self.palette, id, query) {
                    Some(content) => page(StatusCode::OK, content),
                    None => page(StatusCode::NOT_FOUND, page::missing(id)),
                },
                (_, Some(name)) => match api::answer(&self.intake, &self.addresses, name, query) {
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
        let mut response = if !is_for_loopback(request) {
            let message = "the view answers only to localhost, 127.0.0.1 and [::1]\n";
            answer(StatusCode::FORBIDDEN, TEXT, message.into())
        } else if !matches!(*request.method(), Method::GET | Method::HEAD) {
            let mut response =
                answer(StatusCode::METHOD_NOT_ALLOWED, TEXT, "the view is only for reading\n".into());
            response.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
            response
        } else {
            let query = Query::parse(request.uri().query().unwrap_or_default());
            self.page(request.uri().path(), &query)
        };
        for (name, value) in PROTECTION {
            response.headers_mut().insert(HeaderName::from_static(name), HeaderValue::from_static(value));
        }
        response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        response
    }
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

/// What all pages have around their content.
fn frame(title: &str, refresh: Option<u32>, aside: Markup, content: Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                @if let Some(seconds) = refresh {
                    meta http-equiv="refresh" content=(seconds);
                }
                title { (title) " · throughline" }
                link rel="icon" href="data:,";
                link rel="stylesheet" href="/style.css";
            }
            body {
                header.top {
                    a.brand href="/" {
                        svg viewBox="0 0 24 24" width="20" height="20" aria-hidden="true" {
                            rect.thread-a x="2" y="4" width="13" height="4" rx="2" {}
                            rect.thread-b x="7" y="10" width="15" height="4" rx="2" {}
                            rect.thread-c x="11" y="16" width="8" height="4" rx="2" {}
                        }
                        "throughline"
                    }
                    (aside)
                }
                main { (content) }
            }
        }
    }
}

fn lost() -> Markup {
    let content = html! {
        section.empty {
            h1 { "There is no such page" }
            p { a.button href="/" { "All traces" } }
        }
    };
    frame("no such page", None, html! {}, content)
}

/// The colours of the services: each begins with the one that its name asks for and takes the next free one, so that
/// a service looks the same on every page, nearly always in the next run as well, and never like another one as long
/// as there are enough colours.
#[derive(Default)]
struct Palette(Mutex<Vec<String>>);

impl Palette {
    fn colour(&self, service: &str) -> usize {
        let mut taken = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        taken.resize(COLOURS, String::new());
        // FNV-1a: names that differ in one letter get far apart.
        let hash = service
            .bytes()
            .fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
        let first = (hash ^ hash >> 15) as usize % COLOURS;
        let mut places = (first..COLOURS).chain(0..first);
        let place =
            places.find(|place| taken[*place].is_empty() || taken[*place] == service).unwrap_or(first);
        if taken[place].is_empty() {
            taken[place] = service.to_owned();
        }
        place
    }

    fn chip(&self, service: &str, count: Option<usize>) -> Markup {
        html! {
            span.chip.{ "s" (self.colour(service)) } {
                span.dot {}
                span.word title=(text::name(service)) { (text::name(service)) }
                @if let Some(count) = count { span.count { (count) } }
            }
        }
    }
}
