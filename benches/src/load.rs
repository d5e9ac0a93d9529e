//! The requests, and the services that answer them: the same for every peer.

use std::{fmt, future, io, net::SocketAddr};

use axum::{
    Router,
    body::Body,
    extract::{ConnectInfo, Path},
    routing::get,
};
use http::{HeaderValue, Request, Response, Uri, header};
use http_body_util::BodyExt;
use tokio::runtime::{Builder, Runtime};
use tower::{Service, ServiceExt};

/// The caller's trace and span.
pub const TRACE: u128 = 0x0af7_6519_16cd_43dd_8448_eb21_1c80_319c;
pub const SPAN: u64 = 0xb7ad_6b71_6920_3331;

/// What a request says of its caller's span, or for a request that leaves: which span is active.
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

    /// The flags of `traceparent`.
    pub fn flags(self) -> Option<u8> {
        match self {
            Self::Sampled => Some(1),
            Self::Random => Some(3),
            Self::Unsampled => Some(0),
            Self::Absent => None,
        }
    }

    /// Of [`TRACE`] and [`SPAN`]; static, so that it costs nothing.
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

/// The server without any layer.
pub fn router() -> Router {
    async fn user(Path(id): Path<u64>) -> String {
        format!("user {id}")
    }
    Router::new().route("/users/{id}", get(user))
}

/// Requests that arrive at a router.
pub fn arriving(router: Router) -> Load {
    requests(
        router,
        |_| (),
        |traceparent| {
            let mut request = Request::new(Body::empty());
            *request.uri_mut() = Uri::from_static("/users/42");
            let headers = request.headers_mut();
            headers.insert(header::HOST, HeaderValue::from_static("api.example.com"));
            headers.insert(header::USER_AGENT, HeaderValue::from_static("curl/8"));
            if let Some(traceparent) = traceparent {
                headers.insert("traceparent", traceparent.clone());
            }
            request.extensions_mut().insert(ConnectInfo(SocketAddr::from(([10, 0, 0, 7], 40_000))));
            request
        },
    )
}

/// The client without any layer: it answers at once.
pub fn client()
-> impl Service<Request<Body>, Response = Response<Body>, Error = io::Error, Future: Send> + Clone {
    tower::service_fn(|request: Request<Body>| {
        drop(request);
        future::ready(Ok(Response::new(Body::from("user 42"))))
    })
}

/// Requests that leave through a client, while what `attach` makes of the parent is there.
pub fn leaving<S, B, G>(client: S, attach: fn(Parent) -> G) -> Load
where
    S: Service<Request<Body>, Response = Response<B>> + 'static,
    S::Error: fmt::Debug,
    B: http_body::Body<Error: fmt::Debug> + Unpin,
    G: 'static,
{
    requests(client, attach, |_| {
        let mut request = Request::new(Body::empty());
        *request.uri_mut() = Uri::from_static("http://api.example.com/users/42");
        request
    })
}

fn requests<S, B, G>(
    mut service: S,
    attach: fn(Parent) -> G,
    request: fn(Option<&HeaderValue>) -> Request<Body>,
) -> Load
where
    S: Service<Request<Body>, Response = Response<B>> + 'static,
    S::Error: fmt::Debug,
    B: http_body::Body<Error: fmt::Debug> + Unpin,
    G: 'static,
{
    let runtime = runtime();
    Box::new(move |parent, requests| {
        let traceparent = parent.traceparent();
        runtime.block_on(async {
            let _active = attach(parent);
            for _ in 0..requests {
                let service = service.ready().await.expect("nothing limits it");
                let response = service.call(request(traceparent.as_ref())).await.expect("nothing fails");
                read(response).await;
            }
        });
    })
}

async fn read<B>(response: Response<B>)
where
    B: http_body::Body<Error: fmt::Debug> + Unpin,
{
    assert!(response.status().is_success(), "answered {}", response.status());
    let mut body = response.into_body();
    while let Some(frame) = body.frame().await {
        drop(frame.expect("no body fails"));
    }
}

pub fn runtime() -> Runtime {
    Builder::new_current_thread().build().expect("a runtime on this thread needs nothing that may be missing")
}
