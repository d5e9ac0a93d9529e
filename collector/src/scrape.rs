//! A page for Prometheus, made of what is kept: the newest point of each series of all services (B-071).
//!
//! `GET /metrics` answers with text, or with OpenMetrics and its exemplars for who asks for it. Every series has the
//! labels `job` and `instance` of who sent it: the scraper has to honour them (`honor_labels: true`). A series leaves the
//! page when its newest point is older than [`Config::metric_expiration`](crate::Config::metric_expiration) by the clock of
//! the collector, or has left the store. What is not cumulative cannot be on the page.
//! The schema URLs of scopes are not on it. Series of one name are there newest first. Two processes of one name, one after the
//! other, have the same series; two at a time need `service.instance.id`, and that they have none is said once.

use crate::{desk::Author, intake::Intake, look, reply::Reply, voice};
use http::{
    HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode,
    header::{ACCEPT, ACCEPT_ENCODING, ALLOW, CONTENT_ENCODING, CONTENT_TYPE, VARY},
};
use std::{
    collections::HashSet,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, SystemTime, UNIX_EPOCH},
};
use throughline_sender::exposition::{LeftOut, MediaType, Options, Reason, Targets, page, takes_gzip};

/// How many metrics are named that are not on the page.
const MOST_TOLD: usize = 100;

/// Who makes the page.
#[derive(Clone)]
pub(crate) struct Scrape {
    intake: Arc<Intake>,
    expiration: Duration,
    told: Arc<Mutex<HashSet<(String, Reason)>>>,
}

impl Scrape {
    pub(crate) fn new(intake: Arc<Intake>, expiration: Duration) -> Self {
        Scrape { intake, expiration, told: Arc::default() }
    }

    fn page(&self, headers: &HeaderMap) -> Response<Reply> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let from = u64::try_from(now.saturating_sub(self.expiration).as_nanos()).unwrap_or(u64::MAX);
        let media = MediaType::negotiate(&joined(headers, ACCEPT));
        let mut options = Options::new(media.format());
        options.targets = Targets::Many;
        let latest = look::latest(&self.intake, from);
        latest.iter().flat_map(|latest| &latest.colliding).for_each(|service| self.tell_colliding(service));
        let made = latest.and_then(|latest| page(&latest.request, options).ok());
        let Some(page) = made else {
            return words(StatusCode::SERVICE_UNAVAILABLE, "there are too many series for one page");
        };
        page.left_out.iter().for_each(|left_out| self.tell(left_out));
        let gzip = takes_gzip(&joined(headers, ACCEPT_ENCODING));
        let body = if gzip { page.gzip() } else { page.text.into() };
        let mut response = Response::new(Reply::of(body));
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(media.content_type()));
        headers.insert(VARY, HeaderValue::from_static("accept, accept-encoding"));
        if gzip {
            headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        }
        response
    }

    /// Says once for each metric and reason what is not on the page.
    fn tell(&self, left_out: &LeftOut) {
        // The older one is that of a process which was started anew without an instance id of its own, or which collides.
        if left_out.reason != Reason::Duplicate {
            self.warn_once(&left_out.metric, left_out.reason, || left_out.to_string());
        }
    }

    fn tell_colliding(&self, service: &str) {
        self.warn_once(service, Reason::Duplicate, || {
            format!(
                "two processes at a time are {service:?} without a service.instance.id that tells them apart: on the page for \
                 Prometheus their series are one, with the newest point of either; give each its own"
            )
        });
    }

    fn warn_once(&self, of: &str, reason: Reason, words: impl FnOnce() -> String) {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        if told.len() < MOST_TOLD && told.insert((of.to_owned(), reason)) {
            voice::warn(words());
        }
    }
}

impl Author for Scrape {
    fn answer(&self, request: &Request<()>) -> Response<Reply> {
        match (request.uri().path(), request.method()) {
            ("/metrics", &Method::GET | &Method::HEAD) => self.page(request.headers()),
            ("/metrics", _) => {
                let mut response = words(StatusCode::METHOD_NOT_ALLOWED, "the page is read with GET");
                response.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
                response
            }
            _ => words(StatusCode::NOT_FOUND, "the page is at /metrics"),
        }
    }
}

/// An answer in words, one line.
fn words(status: StatusCode, words: &str) -> Response<Reply> {
    let mut response = Response::new(Reply::of(format!("{words}\n")));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    response
}

/// A header that may be there several times.
fn joined(headers: &HeaderMap, name: HeaderName) -> String {
    let texts: Vec<&str> = headers.get_all(name).iter().filter_map(|value| value.to_str().ok()).collect();
    texts.join(",")
}
