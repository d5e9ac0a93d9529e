//! Takes OTLP over HTTP and over gRPC, each on either port.
//!
//! A request is told by its content type: `application/grpc` is a frame of five bytes and a message,
//! `application/x-protobuf` is the message alone. From there on both are the same bytes. JSON is not taken yet.

mod body;
mod grpc;
mod http;

use crate::{intake::Intake, reply::Reply, serve::Handler};
use ::http::{HeaderValue, Request, Response, header::CONTENT_TYPE};
use hyper::body::Incoming;
use std::{sync::Arc, time::Duration};

const GRPC: &str = "application/grpc";

/// Answers requests of OTLP.
#[derive(Clone)]
pub(crate) struct Receiver {
    intake: Arc<Intake>,
    /// How long the body of a request may take.
    limit: Duration,
}

impl Receiver {
    pub(crate) fn new(intake: Arc<Intake>, limit: Duration) -> Self {
        Receiver { intake, limit }
    }
}

impl Handler for Receiver {
    async fn answer(self, request: Request<Incoming>) -> Response<Reply> {
        let grpc = request.headers().get(CONTENT_TYPE).is_some_and(is_grpc);
        match grpc {
            true => grpc::answer(&self.intake, self.limit, request).await,
            false => http::answer(&self.intake, self.limit, request).await,
        }
    }
}

/// `application/grpc`, alone or with `+proto` or parameters behind it; not its sister for browsers,
/// `application/grpc-web`.
fn is_grpc(kind: &HeaderValue) -> bool {
    let kind = kind.as_bytes();
    let (name, rest) = kind.split_at(kind.len().min(GRPC.len()));
    name.eq_ignore_ascii_case(GRPC.as_bytes())
        && (rest.is_empty() || rest.starts_with(b";") || rest.to_ascii_lowercase().starts_with(b"+proto"))
}
