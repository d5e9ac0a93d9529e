//! A page with all measurements, for Prometheus to fetch.
//!
//! `OTEL_METRICS_EXPORTER=prometheus` puts it at `http://localhost:9464/metrics`; `otlp,prometheus` sends as well. In a
//! pod set `OTEL_EXPORTER_PROMETHEUS_HOST=0.0.0.0`. It can also be a route of the program's own server, with or without
//! that port:
//!
//! ```
//! use axum::Router;
//! use throughline::{Config, Telemetry, config::Scrape};
//!
//! # fn main() -> Result<(), throughline::Error> {
//! let mut config = Config::from_vars([("OTEL_METRICS_EXPORTER", "none")]);
//! config.scrape = Some(Scrape::mounted());
//! let telemetry = Telemetry::build(config)?;
//!
//! let app: Router = Router::new().route_service("/metrics", telemetry.scrape_service());
//! # drop(app);
//! # Ok(())
//! # }
//! ```
//! # Semantics
//! What the page has is told in [`sender::exposition`](crate::sender::exposition): text 0.0.4, or OpenMetrics with exemplars
//! for who asks for it, compressed for who takes gzip (B-021). Measurements are collected for each request, always
//! cumulative, whatever `OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE` says of those that are sent (B-022). Requests that
//! come while others are answered share the next collection. It runs beside the export thread and the program's runtime, and a
//! callback of an observable instrument that hangs is left out.
//!
//! What cannot be on the page is counted in the [statistics](crate::Handle::stats), where the page has a row, and said once for
//! each metric and reason.
//!
//! The page is there until telemetry is shut down, also while the last of the other signals is delivered; after that a route
//! of the program answers 503. The port is closed then.
//!
//! # Limits
//! The callbacks of a collection may take 5 s together; a page takes 10 s at most, as long as Prometheus waits unless told
//! otherwise, after that the answer is 503. Up to 64 requests wait for one. The port serves 32 connections at a time, each for one request and at most
//! 30 s, without TLS and to everybody who reaches it.

mod collect; // one page for all who wait
mod serve; // … on a port of its own

use crate::{
    Error,
    config::Config,
    reader::Reader,
    sender::{
        Stats,
        exposition::{MediaType, takes_gzip},
    },
};
use bytes::Bytes;
use collect::{Account, Ask};
use http::{
    HeaderMap, HeaderValue, Method, Request, Response, StatusCode,
    header::{ACCEPT, ACCEPT_ENCODING, ALLOW, CONTENT_ENCODING, CONTENT_TYPE, HeaderName, VARY},
};
use http_body_util::Full;
use std::{
    convert::Infallible,
    fmt,
    net::SocketAddr,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};
use tokio::sync::{mpsc, oneshot};
use tower_service::Service;

pub(crate) use serve::{listen, taken};

/// Requests that may wait for the next collection.
const MOST_ASKS: usize = 64;

/// The page as a tower service, for a route of any path; clones answer together.
///
/// GET and HEAD are answered, with 200 or, in words, with 503; all else with 405.
#[derive(Clone)]
pub struct ScrapeService {
    asks: Result<mpsc::Sender<Ask>, &'static str>,
}

/// The page while telemetry runs.
pub(crate) struct Scrape {
    pub(crate) service: ScrapeService,
    /// Where its own server is.
    pub(crate) address: Option<SocketAddr>,
    account: Arc<Account>,
    reader: Reader,
}

impl Scrape {
    /// Starts collecting on demand with this reader of the meter provider, and the server if there is to be one. `None`: no
    /// page is wanted. Must be called in the export runtime.
    pub(crate) fn start(config: &Config, reader: &Reader) -> Result<Option<Self>, Error> {
        let Some(of) = config.scrape.as_ref().filter(|_| !config.disabled) else { return Ok(None) };
        let listener =
            of.address.as_deref().map(|address| listen(address, of.variable.as_deref())).transpose()?;
        let address = listener.as_ref().and_then(|listener| listener.local_addr().ok());
        let (asks, asked) = mpsc::channel(MOST_ASKS);
        let account = Arc::new(Account::default());
        tokio::spawn(collect::run(reader.clone(), of.scope_labels, asked, account.clone()));
        let service = ScrapeService { asks: Ok(asks) };
        if let Some(listener) = listener {
            tokio::spawn(serve::run(listener, service.clone()));
        }
        Ok(Some(Scrape { service, address, account, reader: reader.clone() }))
    }

    /// The URL of its own server.
    pub(crate) fn url(&self) -> Option<String> {
        self.address.map(|address| format!("http://{address}/metrics"))
    }

    /// What became of the data points that were collected for it.
    pub(crate) fn stats(&self) -> Stats {
        let mut stats = self.account.stats(&self.url().unwrap_or_else(|| "the page for Prometheus".into()));
        self.reader.tell(&mut stats);
        stats
    }
}

impl ScrapeService {
    /// One without a page.
    pub(crate) fn none(disabled: bool) -> Self {
        let words = match disabled {
            true => "telemetry is disabled (OTEL_SDK_DISABLED)",
            false => "there is no page; set OTEL_METRICS_EXPORTER=prometheus, or Config::scrape",
        };
        ScrapeService { asks: Err(words) }
    }

    async fn answer(self, method: Method, headers: HeaderMap) -> Response<Full<Bytes>> {
        if method != Method::GET && method != Method::HEAD {
            let mut response = words(StatusCode::METHOD_NOT_ALLOWED, "the page is read with GET");
            response.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
            return response;
        }
        let media = MediaType::negotiate(&joined(&headers, ACCEPT));
        let gzip = takes_gzip(&joined(&headers, ACCEPT_ENCODING));
        let page = match self.ask(media, gzip).await {
            Ok(page) => page,
            Err(fault) => return words(StatusCode::SERVICE_UNAVAILABLE, &fault),
        };
        let mut response = Response::new(Full::new(page));
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(media.content_type()));
        headers.insert(VARY, HeaderValue::from_static("accept, accept-encoding"));
        if gzip {
            headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        }
        response
    }

    async fn ask(self, media: MediaType, gzip: bool) -> Result<Bytes, String> {
        const ENDED: &str = "telemetry is shut down";
        let (reply, page) = oneshot::channel();
        let ask = Ask { format: media.format(), gzip, reply };
        self.asks?.try_send(ask).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => "too many requests wait for the next collection",
            mpsc::error::TrySendError::Closed(_) => ENDED,
        })?;
        page.await.unwrap_or_else(|_| Err(ENDED.into()))
    }
}

impl fmt::Debug for ScrapeService {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ScrapeService").finish_non_exhaustive()
    }
}

impl<B> Service<Request<B>> for ScrapeService {
    type Response = Response<Full<Bytes>>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let (head, _) = request.into_parts();
        let service = self.clone();
        Box::pin(async move { Ok(service.answer(head.method, head.headers).await) })
    }
}

/// An answer in words, one line.
fn words(status: StatusCode, words: &str) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(format!("{words}\n"))));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    response
}

/// A header that may be there several times.
fn joined(headers: &HeaderMap, name: HeaderName) -> String {
    let texts: Vec<&str> = headers.get_all(name).iter().filter_map(|value| value.to_str().ok()).collect();
    texts.join(",")
}
