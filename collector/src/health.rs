//! Whether a collector is well, for those who watch over it.

use crate::{intake::Intake, reply::Reply, serve::Handler};
use http::{HeaderValue, Request, Response, StatusCode, header::CONTENT_TYPE};
use hyper::body::Incoming;
use std::sync::Arc;

/// Answers 200 as long as telemetry is taken, 503 from the moment at which the collector stops. A destination that is
/// away is no reason to start the collector anew, and not told here.
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
        let (status, words) = match (request.uri().path(), self.intake.is_stopping()) {
            ("/", false) => (StatusCode::OK, r#"{"status":"available"}"#),
            ("/", true) => (StatusCode::SERVICE_UNAVAILABLE, r#"{"status":"stopping"}"#),
            _ => (StatusCode::NOT_FOUND, r#"{"error":"ask at /"}"#),
        };
        let mut response = Response::new(Reply::of(words));
        *response.status_mut() = status;
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        response
    }
}
