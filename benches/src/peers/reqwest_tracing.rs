//! reqwest-tracing: spans of `tracing` for calls through reqwest-middleware, here answered before reqwest.

use http::{Extensions, Response};
use reqwest::{Client, Request};
use reqwest_middleware::{ClientBuilder, ClientWithMiddleware, Middleware, Next};
use reqwest_tracing::TracingMiddleware;

use super::{Peer, Side, Signals, Stage};
use crate::{
    load::{self, Load},
    providers::before::{self, Providers},
};

pub const BARE: Peer = Peer {
    name: "reqwest-middleware",
    title: "reqwest-middleware 0.5 without a middleware",
    side: Side::Client,
    signals: Signals::None,
    over: None,
    stage: || Stage::new(calls(ClientBuilder::new(client()).with(Answer).build()), Providers::new()),
};

pub const CLIENT: Peer = Peer {
    name: "reqwest-tracing",
    title: "reqwest-tracing 0.7",
    side: Side::Client,
    signals: Signals::Spans,
    over: Some("reqwest-middleware"),
    stage: || {
        let providers = Providers::new();
        providers.set_global();
        providers.subscribe();
        let client = ClientBuilder::new(client()).with(TracingMiddleware::default()).with(Answer).build();
        Stage::new(calls(client), providers)
    },
};

fn client() -> Client {
    // Fails if there is one already: then that is the one.
    let _ = rustls::crypto::ring::default_provider().install_default();
    Client::new()
}

/// Answers at once, in the place of the network.
struct Answer;

#[async_trait::async_trait]
impl Middleware for Answer {
    async fn handle(
        &self,
        _: Request,
        _: &mut Extensions,
        _: Next<'_>,
    ) -> reqwest_middleware::Result<reqwest::Response> {
        Ok(Response::new("user 42").into())
    }
}

fn calls(client: ClientWithMiddleware) -> Load {
    let runtime = load::runtime();
    Box::new(move |parent, requests| {
        runtime.block_on(async {
            let _active = before::attach(parent);
            for _ in 0..requests {
                let response =
                    client.get("http://api.example.com/users/42").send().await.expect("nothing fails");
                drop(response.bytes().await.expect("no body fails"));
            }
        });
    })
}
