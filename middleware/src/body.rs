//! The response body that carries its exchange to the end.
//!
//! A server's exchange is over when its last byte was produced, not when its head was: a streamed download
//! that takes a minute is a request of a minute (semantic conventions, `http.server.request.duration`).
//! [`ExchangeBody`] passes every frame on as it is and ends the exchange when
//!
//! - the body was polled to its end, or says so right after a frame (`is_end_stream`),
//! - the bytes that `content-length` announced are out, or trailers are: a server asks for nothing more,
//! - the body fails: `error.type` as for a service that fails, see [`server`](crate::server),
//! - the body is dropped before all that: `error.type` is `cancelled`, the status code stays.
//!
//! A response without content ends with its head: an empty body, the answer to HEAD and a successful
//! CONNECT, the codes 1xx, 204 and 304.
//!
//! The OpenTelemetry context is active during each poll and while the body is dropped, so that spans, log
//! lines and measurements made while streaming belong to the request.

use std::{
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::Buf;
use http::{HeaderMap, Method, Response, StatusCode, header};
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;

use crate::{exchange::Outcome, failure, leg::Leg};

pin_project! {
    /// A response body that ends its exchange when it is complete, fails or is dropped; see the module page.
    #[derive(Debug)]
    pub struct ExchangeBody<B> {
        #[pin]
        leg: Leg<B>,
        announced: Option<u64>,
    }
}

impl<B: Body> ExchangeBody<B> {
    /// Moves the exchange from the future into the response's body, or ends it where no content follows the
    /// head.
    pub(crate) fn carry<F>(
        mut future: Pin<&mut Leg<F>>,
        method: &Method,
        response: Response<B>,
    ) -> Response<Self> {
        let announced = content_length(response.headers());
        let exchange = future.as_mut().exchange();
        if let Some(exchange) = exchange {
            exchange.respond(&response);
        }
        let is_over = announced == Some(0)
            || is_without_content(method, response.status())
            || response.body().is_end_stream();
        if is_over && let Some(exchange) = exchange.take() {
            exchange.end(Outcome::Complete);
        }
        response.map(|body| Self { leg: future.next(body), announced })
    }
}

impl<B> Body for ExchangeBody<B>
where
    B: Body<Error: 'static>,
{
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        task: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        let mut this = self.project();
        let polled = ready!(this.leg.as_mut().poll(|body| body.poll_frame(task)));
        let outcome = match &polled {
            None => Some(Outcome::Complete),
            Some(Err(error)) => Some(Outcome::Failed(failure::error_type(error))),
            Some(Ok(frame)) => {
                let is_last = was_last(frame, this.announced) || is_end_stream(&this.leg);
                is_last.then_some(Outcome::Complete)
            }
        };
        if let Some(outcome) = outcome
            && let Some(exchange) = this.leg.exchange().take()
        {
            exchange.end(outcome);
        }
        Poll::Ready(polled)
    }

    fn is_end_stream(&self) -> bool {
        is_end_stream(&self.leg)
    }

    fn size_hint(&self) -> SizeHint {
        self.leg.inner().map(Body::size_hint).unwrap_or_default()
    }
}

fn is_end_stream<B: Body>(leg: &Leg<B>) -> bool {
    leg.inner().is_none_or(Body::is_end_stream)
}

/// Counts a frame off the announced length and tells whether a server asks for no frame after it: hyper
/// drops a body unfinished once `content-length` is reached or trailers are written.
fn was_last<D: Buf>(frame: &Frame<D>, announced: &mut Option<u64>) -> bool {
    let Some(data) = frame.data_ref() else { return frame.is_trailers() };
    let length = u64::try_from(data.remaining()).unwrap_or(u64::MAX);
    match announced {
        Some(left) => {
            *left = left.saturating_sub(length);
            *left == 0
        }
        None => false,
    }
}

fn content_length(headers: &HeaderMap) -> Option<u64> {
    headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// Responses that end with their head whatever body they were given (RFC 9112 §6.3).
fn is_without_content(method: &Method, status: StatusCode) -> bool {
    status.is_informational()
        || status == StatusCode::NO_CONTENT
        || status == StatusCode::NOT_MODIFIED
        || *method == Method::HEAD
        || (*method == Method::CONNECT && status.is_success())
}
