//! The requests, and the service that answers them: the same for every peer.

use std::net::SocketAddr;

use axum::{
    Router,
    body::Body,
    extract::{ConnectInfo, Path},
    routing::get,
};
use http::{HeaderValue, Request, Response, header};
use http_body_util::BodyExt;
use opentelemetry::trace::TraceFlags;
use tokio::runtime::{Builder, Runtime};
use tower::Service;

/// What a request says of its caller's trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Parent {
    Sampled,
    /// Sampled, and with a trace id that is random (W3C Trace Context level 2).
    Random,
    Unsampled,
    Absent,
}

impl Parent {
    pub const ALL: [Self; 4] = [Self::Sampled, Self::Random, Self::Unsampled, Self::Absent];

    pub fn name(self) -> &'static str {
        match self {
            Self::Sampled => "sampled",
            Self::Random => "random",
            Self::Unsampled => "unsampled",
            Self::Absent => "absent",
        }
    }

    pub fn flags(self) -> Option<TraceFlags> {
        match self {
            Self::Sampled => Some(TraceFlags::SAMPLED),
            Self::Random => Some(TraceFlags::new(0x03)),
            Self::Unsampled => Some(TraceFlags::NOT_SAMPLED),
            Self::Absent => None,
        }
    }

    fn traceparent(self) -> Option<HeaderValue> {
        Some(HeaderValue::from_static(match self {
            Self::Sampled => "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            Self::Random => "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-03",
            Self::Unsampled => "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00",
            Self::Absent => return None,
        }))
    }
}

/// Makes so many requests, one after the other, and reads each response to its end.
pub type Load = Box<dyn FnMut(Parent, usize)>;

/// The service without any layer.
pub fn router() -> Router {
    async fn user(Path(id): Path<u64>) -> String {
        format!("user {id}")
    }
    Router::new().route("/users/{id}", get(user))
}

/// Requests that arrive at a router.
pub fn arriving(mut router: Router) -> Load {
    let runtime = runtime();
    Box::new(move |parent, requests| {
        runtime.block_on(async {
            for _ in 0..requests {
                let Ok(response) = router.call(arrival(parent)).await;
                read(response).await;
            }
        });
    })
}

/// A request as a server hands it on: with its headers and the address of its peer.
fn arrival(parent: Parent) -> Request<Body> {
    let mut request = Request::new(Body::empty());
    *request.uri_mut() = http::Uri::from_static("/users/42");
    let headers = request.headers_mut();
    headers.insert(header::HOST, HeaderValue::from_static("api.example.com"));
    headers.insert(header::USER_AGENT, HeaderValue::from_static("curl/8"));
    if let Some(traceparent) = parent.traceparent() {
        headers.insert("traceparent", traceparent);
    }
    request.extensions_mut().insert(ConnectInfo(SocketAddr::from(([10, 0, 0, 7], 40_000))));
    request
}

async fn read<B>(response: Response<B>)
where
    B: http_body::Body + Unpin,
    B::Error: std::fmt::Debug,
{
    assert!(response.status().is_success(), "answered {}", response.status());
    let mut body = response.into_body();
    while let Some(frame) = body.frame().await {
        drop(frame.expect("a body that fails is no measurement"));
    }
}

fn runtime() -> Runtime {
    Builder::new_current_thread().build().expect("a runtime on this thread needs nothing that may be missing")
}
