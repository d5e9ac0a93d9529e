//! Whether a collector is well, for those who watch over it.
//!
//! | `GET` | answers with |
//! |---|---|
//! | `/` | 200 as long as telemetry is taken, 503 from the moment at which the collector stops |
//! | `/metrics` | its own counters for Prometheus: what was taken and refused, is kept, and became of it at each destination |
//!
//! A destination that is away is no reason to start the collector anew: `/` does not tell of it, `/metrics` does.

mod page; // the counters, for Prometheus

use crate::{intake::Intake, reply::Reply, serve::Handler};
use http::{HeaderValue, Request, Response, StatusCode, header::CONTENT_TYPE};
use hyper::body::Incoming;
use std::sync::Arc;

const JSON: &str = "application/json";

/// Answers whoever asks how it is.
#[derive(Clone)]
pub(crate) struct Health {
    intake: Arc<Intake>,
}

impl Health {
    pub(crate) fn new(intake: Arc<Intake>) -> Self {
        Health { intake }
    }
}

impl Handler for Health {
    async fn answer(self, request: Request<Incoming>) -> Response<Reply> {
        let (status, kind, body) = match (request.uri().path(), self.intake.is_stopping()) {
            ("/", false) => (StatusCode::OK, JSON, r#"{"status":"available"}"#.to_owned()),
            ("/", true) => (StatusCode::SERVICE_UNAVAILABLE, JSON, r#"{"status":"stopping"}"#.to_owned()),
            ("/metrics", _) => {
                let page = page::page(&self.intake.counters(), &self.intake.forwarded());
                (StatusCode::OK, page::KIND, page)
            }
            _ => (StatusCode::NOT_FOUND, JSON, r#"{"error":"ask at / or /metrics"}"#.to_owned()),
        };
        let mut response = Response::new(Reply::of(body));
        *response.status_mut() = status;
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
        response
    }
}
