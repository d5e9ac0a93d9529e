//! Takes OTLP over HTTP and over gRPC, each on either port.
//!
//! A request is told by its content type: `application/grpc` is a frame of five bytes and a message,
//! `application/x-protobuf` is the message alone. From there on both are the same bytes. JSON is not taken yet.

mod body;
mod grpc;
mod http;

use crate::{intake::Intake, reply::Reply, serve::Handler};
use ::http::{Request, Response, header::CONTENT_TYPE};
use hyper::body::Incoming;
use std::{sync::Arc, time::Duration};

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
        let grpc = request.headers().get(CONTENT_TYPE).is_some_and(|kind| {
            kind.as_bytes().get(..16).is_some_and(|kind| kind.eq_ignore_ascii_case(b"application/grpc"))
        });
        match grpc {
            true => grpc::answer(&self.intake, self.limit, request).await,
            false => http::answer(&self.intake, self.limit, request).await,
        }
    }
}
