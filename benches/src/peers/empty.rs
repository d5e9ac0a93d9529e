//! A layer that does nothing: what `Router::layer` itself costs.

use std::task::{Context, Poll};

use tower::{Service, layer::layer_fn};

use super::{Peer, Side, Signals, Stage};
use crate::{load, providers::current};

pub const SERVER: Peer = Peer {
    name: "empty",
    title: "an empty layer",
    side: Side::Server,
    signals: Signals::None,
    over: Some("bare"),
    stage: || {
        let router = load::router().layer(layer_fn(Empty));
        Stage::new(load::arriving(router), current::Providers::new())
    },
};

#[derive(Clone)]
struct Empty<S>(S);

impl<S, R> Service<R> for Empty<S>
where
    S: Service<R>,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, task: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.0.poll_ready(task)
    }

    fn call(&mut self, request: R) -> S::Future {
        self.0.call(request)
    }
}
