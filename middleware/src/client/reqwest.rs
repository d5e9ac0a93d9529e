//! The middleware of a reqwest client: one span and one duration for each call.
//!
//! ```
//! // reqwest-middleware = "0.5", with reqwest = "0.13"
//! # use reqwest_middleware::reqwest;
//! use reqwest_middleware::ClientBuilder;
//! use throughline_middleware::{ClientLayer, UrlTemplate};
//!
//! # async fn price() -> Result<String, Box<dyn std::error::Error>> {
//! let client = ClientBuilder::new(reqwest::Client::new())
//!     .with(ClientLayer::default().reqwest())
//!     .build();
//! let request = client.get("http://prices:8080/items/42").with_extension(UrlTemplate::new("/items/{id}"));
//! let price = request.send().await?.text().await?;
//! # Ok(price)
//! # }
//! ```
//!
//! It records what the [layer](super) records, by the same options, and ends with the head of the response, whose
//! body it leaves as it is. What it knows besides: the fragment of the URL, in `url.full`; the peer's address and
//! port; whether a failure was a `timeout` or one to `connect`. Messages of errors are told without the URL that
//! reqwest writes into them, since `url.full` has it without its secrets.
//!
//! **Attempts.** A retry middleware stands *before* this one, which then sees each attempt: a span, ids and
//! `http.request.resend_count` of its own. They are counted by the `Extensions` of the call, so give each call
//! its own.
//!
//! **Redirects** and retries inside of reqwest cannot be hooked: together they are one span with the URL that was
//! asked for first, and with the status, version and peer that answered last. All of them carry the same ids,
//! also to a host that is not one of [`injected_hosts`](crate::ClientOptions::injected_hosts): where that
//! matters, turn them off with `redirect::Policy::none()`.
//!
//! **gRPC** has its status in trailers, which reqwest does not show: every call is told in the words of HTTP.

use std::{
    any,
    error::Error as StdError,
    future, mem,
    pin::pin,
    sync::Arc,
    task::{Poll, ready},
};

use async_trait::async_trait;
use http::{Extensions, Uri};
use http_body::Body;
use reqwest_middleware::{
    Error, Middleware, Next, Result,
    reqwest::{self, Request, Response},
};

use super::{
    ClientLayer,
    request::{self, Departure},
};
use crate::{
    attempts::Attempts,
    attributes::{self, bounded},
    exchange::{Exchange, Outcome},
    failure::{self, Failure},
    instruments::Instruments,
    leg::{Leg, Surroundings},
    options::RequestHead,
    peer::Peer,
    series::Convention,
};

/// A middleware that records each call it passes on; made by [`ClientLayer::reqwest`].
#[derive(Clone, Debug)]
pub struct ClientMiddleware {
    instruments: Arc<Instruments>,
}

impl ClientLayer {
    /// Makes the middleware that records for a reqwest client what this layer records for a tower service.
    pub fn reqwest(&self) -> ClientMiddleware {
        ClientMiddleware { instruments: Arc::clone(&self.instruments) }
    }
}

#[async_trait]
impl Middleware for ClientMiddleware {
    async fn handle(
        &self,
        mut request: Request,
        extensions: &mut Extensions,
        next: Next<'_>,
    ) -> Result<Response> {
        let exchange = self.begin(&mut request, extensions);
        let mut leg = pin!(Leg::begin(Surroundings::Exchange(exchange), || next.run(request, extensions)));
        let answer = future::poll_fn(|task| {
            leg.as_mut().inside(|mut call, surroundings| {
                let Some(polled) = call.as_mut().as_pin_mut().map(|call| call.poll(task)) else {
                    return Poll::Pending;
                };
                let mut result = ready!(polled);
                call.set(None);
                let outcome = match &mut result {
                    Ok(response) => {
                        respond(surroundings.exchange(), response);
                        Outcome::Complete
                    }
                    Err(error) => Outcome::Failed(failure_of(error)),
                };
                surroundings.end(&outcome);
                Poll::Ready(result)
            })
        });
        answer.await
    }
}

impl ClientMiddleware {
    fn begin(&self, request: &mut Request, extensions: &mut Extensions) -> Box<Exchange> {
        extensions.get_or_insert_with(Attempts::default);
        // What is no URI is refused by reqwest for the same reason: then it is told without its URL.
        let uri = request.url().as_str().parse::<Uri>().unwrap_or_default();
        let head = RequestHead {
            method: request.method(),
            uri: &uri,
            version: request.version(),
            headers: request.headers(),
            extensions,
        };
        let departure = Departure {
            head,
            convention: Convention::Http,
            fragment: request.url().fragment(),
            size: request.body().map_or(Some(0), |body| body.size_hint().exact()),
        };
        let is_told_ids = departure.is_told_ids(&self.instruments);
        let exchange = request::begin(&self.instruments, departure);
        if is_told_ids {
            self.instruments.inject(exchange.context(), request.headers_mut());
        }
        exchange
    }
}

/// Tells the exchange of a response's head. Headers and extensions are lent to a response of the kind that it
/// knows, and given back.
fn respond(exchange: Option<&mut Exchange>, response: &mut Response) {
    let Some(exchange) = exchange else { return };
    if let Some(address) = response.remote_addr() {
        response.extensions_mut().get_or_insert_with(|| Peer::Socket(address));
    }
    let mut head = http::Response::new(());
    *head.status_mut() = response.status();
    *head.version_mut() = response.version();
    mem::swap(head.headers_mut(), response.headers_mut());
    mem::swap(head.extensions_mut(), response.extensions_mut());
    exchange.respond(&head);
    mem::swap(head.headers_mut(), response.headers_mut());
    mem::swap(head.extensions_mut(), response.extensions_mut());
    if let Some(length) = response.content_length() {
        exchange.send(length);
    }
}

fn failure_of(error: &Error) -> Failure {
    let (error, exception_type): (&(dyn StdError + 'static), _) = match error {
        Error::Reqwest(error) => (error, any::type_name::<reqwest::Error>()),
        Error::Middleware(error) => (error.as_ref(), any::type_name::<Error>()),
    };
    let mut message = failure::message(error);
    let reqwests = failure::chain(error).find_map(|error| error.downcast_ref::<reqwest::Error>());
    if let Some(url) = reqwests.and_then(reqwest::Error::url) {
        message = message.replace(&format!(" for url ({url})"), "");
    }
    let kind = match reqwests {
        Some(error) if error.is_timeout() => Some(attributes::TIMEOUT),
        Some(error) if error.is_connect() => Some(attributes::CONNECT),
        _ => failure::kind(error),
    };
    // What another middleware failed with may be anything.
    let fallback = reqwests.map_or(attributes::OTHER, |_| any::type_name::<reqwest::Error>());
    Failure {
        error_type: kind.unwrap_or(fallback),
        exception_type,
        message: Some(bounded(&message).to_owned()),
    }
}
