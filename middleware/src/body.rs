//! The response body that carries its exchange to the end.
//!
//! A server's exchange is over when its last byte was produced, not when its head was: a streamed download
//! that takes a minute is a request of a minute (semantic conventions, `http.server.request.duration`).
//! [`ExchangeBody`] passes every frame on as it is and ends the exchange when
//!
//! - the body was polled to its end, or says so right after a frame (`is_end_stream`),
//! - the bytes that `content-length` announced are out, or trailers are: a server asks for nothing more (a gRPC call goes
//!   on to its trailers),
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
    task::{Context, Poll},
};

use bytes::Buf;
use http::{HeaderMap, Method, Response, StatusCode, header};
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;

use crate::{
    exchange::{Exchange, Outcome, Side},
    failure::Failure,
    leg::{Leg, Surroundings},
    series::Convention,
};

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
    /// Moves on from the future to the response's body.
    pub(crate) fn carry<F>(
        future: Pin<&mut Leg<F>>,
        announced: Option<u64>,
        response: Response<B>,
    ) -> Response<Self> {
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
        let this = self.project();
        if this.leg.inner().is_none() {
            return Poll::Ready(None);
        }
        this.leg.inside(|mut body, surroundings| {
            let Some(carried) = body.as_mut().as_pin_mut() else { return Poll::Ready(None) };
            let polled = carried.poll_frame(task);
            let Poll::Ready(answer) = &polled else { return polled };
            let is_end = body.as_ref().as_pin_ref().is_none_or(|body| body.is_end_stream());
            let outcome = match answer {
                None => Some(Outcome::Complete),
                Some(Err(error)) => Some(Outcome::Failed(Failure::of(error))),
                Some(Ok(frame)) => {
                    let is_last = was_last(surroundings.exchange(), frame, this.announced);
                    (is_last || is_end).then_some(Outcome::Complete)
                }
            };
            if let Some(outcome) = outcome {
                surroundings.end(&outcome);
            }
            if is_end || !matches!(answer, Some(Ok(_))) {
                // Dropped here, where its context is active anyway.
                body.set(None);
            }
            polled
        })
    }

    fn is_end_stream(&self) -> bool {
        self.leg.inner().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.leg.inner().map_or_else(|| SizeHint::with_exact(0), Body::size_hint)
    }
}

/// Tells the exchange of a frame, and returns whether a server asks for no frame after it: hyper drops a body
/// unfinished once `content-length` is reached or trailers are written.
fn was_last<D: Buf>(exchange: Option<&mut Exchange>, frame: &Frame<D>, announced: &mut Option<u64>) -> bool {
    let Some(exchange) = exchange else { return false };
    if let Some(trailers) = frame.trailers_ref() {
        exchange.trail(trailers);
        return true;
    }
    let length = frame.data_ref().map_or(0, |data| u64::try_from(data.remaining()).unwrap_or(u64::MAX));
    exchange.send(length);
    match announced {
        Some(left) => {
            *left = left.saturating_sub(length);
            *left == 0
        }
        None => false,
    }
}

/// Tells an exchange of the response's head, ends it if that was all, and returns the length that it announces. A
/// client's ends here: for how long its caller leaves the body unread is the caller's own.
#[inline]
pub(crate) fn respond<B: Body>(
    surroundings: &mut Surroundings,
    ends: Ends,
    response: &Response<B>,
) -> Option<u64> {
    let exchange = surroundings.exchange()?;
    exchange.respond(response);
    // What the body says of its length is what hyper goes by, and cheaper to ask. A call goes on to its trailers.
    let exact = || response.body().size_hint().exact();
    let announced = match exchange.convention() {
        Convention::Http => exact().or_else(|| content_length(response.headers())),
        Convention::Rpc => None,
    };
    let is_over = match (exchange.convention(), exchange.side()) {
        (Convention::Rpc, _) => response.body().is_end_stream(),
        (Convention::Http, Side::Client) => {
            if let Some(length) = exact() {
                exchange.send(length);
            }
            true
        }
        (Convention::Http, Side::Server) => {
            announced == Some(0) || ends.with_head(response.status()) || response.body().is_end_stream()
        }
    };
    if is_over {
        surroundings.end(&Outcome::Complete);
    }
    announced
}

/// Returns the length that a head announces.
pub(crate) fn content_length(headers: &HeaderMap) -> Option<u64> {
    headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// With what a request's responses end, whatever body they were given (RFC 9112 §6.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ends {
    /// Like most.
    Body,
    /// HEAD.
    Head,
    /// CONNECT: with the head, if it succeeds.
    Tunnel,
}

impl Ends {
    #[inline]
    pub(crate) fn of(method: &Method) -> Self {
        match *method {
            Method::HEAD => Self::Head,
            Method::CONNECT => Self::Tunnel,
            _ => Self::Body,
        }
    }

    #[inline]
    fn with_head(self, status: StatusCode) -> bool {
        status.is_informational()
            || status == StatusCode::NO_CONTENT
            || status == StatusCode::NOT_MODIFIED
            || self == Self::Head
            || (self == Self::Tunnel && status.is_success())
    }
}
