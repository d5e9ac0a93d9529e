//! gRPC calls are told in the words of RPC, from the first message to the status, on both sides.

mod echo;

mod flood; // methods that nobody has
mod lasting; // when a call ends
mod mixed; // beside ordinary requests, in axum and in tonic's own server
mod statuses; // how a call ends

use std::net::SocketAddr;

use axum::{BoxError, Router};
use bytes::Bytes;
use http::{Uri, uri::PathAndQuery};
use http_body_util::Full;
use hyper_util::rt::TokioExecutor;
use opentelemetry::{
    Value,
    trace::{SpanKind, Status as SpanStatus},
};
use opentelemetry_sdk::trace::SpanData;
use throughline_middleware::{ClientLayer, ClientService};
use tonic::{Status, client::Grpc, transport::Channel};
use tower::{Layer, util::MapErr};

use self::echo::{Echo, Text};
use crate::{
    measured::{Instrument, Point, measured},
    support::{Attributes, Telemetry, attributes, expected, serve},
};

/// A client as generated code makes it.
type Client = Grpc<ClientService<Channel>>;

/// Both sides of a connection, each with telemetry of its own.
struct Sides {
    served: Telemetry,
    called: Telemetry,
    echo: Echo,
    address: SocketAddr,
    client: Client,
}

impl Sides {
    /// The service in an axum router.
    async fn new() -> Self {
        let (served, called, echo) = (Telemetry::new(), Telemetry::new(), Echo::default());
        let router = Router::new().route_service("/test.Echo/{*rest}", echo.clone()).layer(served.server());
        let address = serve(router).await;
        let client = client(&called.client(), address);
        Self { served, called, echo, address, client }
    }

    async fn unary(&mut self, method: &'static str, text: &str) -> Result<String, Status> {
        unary(&mut self.client, method, tonic::Request::new(text.to_owned())).await
    }

    /// What both sides told of their one call: the server's, the client's.
    async fn told(&self) -> (Told, Told) {
        let ([server], [client]) = (self.served.spans().await, self.called.spans().await);
        assert_eq!(
            (server.span_kind.clone(), client.span_kind.clone()),
            (SpanKind::Server, SpanKind::Client)
        );
        (Told::of(&server), Told::of(&client))
    }

    /// What is told of a call that found its method: `extra` besides what always is.
    fn call<const N: usize>(
        &self,
        method: &'static str,
        status: &'static str,
        extra: [(&str, Value); N],
    ) -> Attributes {
        let mut told = expected([
            ("rpc.system.name", "grpc".into()),
            ("rpc.method", method.into()),
            ("rpc.response.status_code", status.into()),
            ("server.address", "127.0.0.1".into()),
            ("server.port", i64::from(self.address.port()).into()),
        ]);
        told.extend(expected(extra));
        told
    }
}

fn client(layer: &ClientLayer, address: SocketAddr) -> Client {
    let origin: Uri = format!("http://{address}").parse().unwrap();
    Grpc::with_origin(layer.layer(Channel::builder(origin.clone()).connect_lazy()), origin)
}

/// Puts tonic's error into a box.
type Boxing = fn(tonic::transport::Error) -> BoxError;

/// A client whose errors the layer can see through.
fn boxed(layer: &ClientLayer, address: SocketAddr) -> Grpc<ClientService<MapErr<Channel, Boxing>>> {
    let origin: Uri = format!("http://{address}").parse().unwrap();
    let channel = Channel::builder(origin.clone()).connect_lazy();
    Grpc::with_origin(layer.layer(MapErr::new(channel, BoxError::from)), origin)
}

async fn unary<T>(
    client: &mut Grpc<T>,
    method: &'static str,
    request: tonic::Request<String>,
) -> Result<String, Status>
where
    T: tonic::client::GrpcService<tonic::body::Body>,
    T::ResponseBody: http_body::Body<Data = Bytes> + Send + 'static,
    <T::ResponseBody as http_body::Body>::Error: Into<BoxError>,
{
    client.ready().await.map_err(|error| Status::from_error(error.into()))?;
    let answer = client.unary(request, PathAndQuery::from_static(method), Text).await;
    answer.map(tonic::Response::into_inner)
}

/// Calls by hand what hangs, as a client that says it waits for 20 ms and then does not care.
async fn hang(address: SocketAddr) {
    let message = Full::new(Bytes::from([&[0, 0, 0, 0, 4][..], b"hang"].concat()));
    let request = http::Request::post(format!("http://{address}/test.Echo/Unary"))
        .version(http::Version::HTTP_2)
        .header("content-type", "application/grpc")
        .header("te", "trailers")
        .header("grpc-timeout", "20m");
    let client =
        hyper_util::client::legacy::Client::builder(TokioExecutor::new()).http2_only(true).build_http();
    client.request(request.body(message).unwrap()).await.unwrap();
}

/// A span as far as it can be known beforehand.
#[derive(Debug, PartialEq)]
struct Told {
    name: String,
    status: SpanStatus,
    attributes: Attributes,
}

impl Told {
    /// The port of a server's peer is any.
    fn of(span: &SpanData) -> Self {
        let mut attributes = attributes(&span.attributes);
        if span.span_kind == SpanKind::Server {
            assert!(matches!(attributes.remove("network.peer.port"), Some(Value::I64(1..))));
        }
        Self { name: span.name.clone().into_owned(), status: span.status.clone(), attributes }
    }

    fn new(name: &str, is_error: bool, attributes: Attributes) -> Self {
        let status = if is_error { SpanStatus::error("") } else { SpanStatus::Unset };
        Self { name: name.to_owned(), status, attributes }
    }
}

/// What a server knows besides.
fn peer() -> (&'static str, Value) {
    ("network.peer.address", "127.0.0.1".into())
}

#[tokio::test]
async fn a_call_is_told_whole_on_both_sides_and_nothing_old_is() {
    // H-100, H-101, H-103, H-105, H-106, H-07B
    let mut sides = Sides::new().await;
    assert_eq!(sides.unary("/test.Echo/Unary", "hello").await.unwrap(), "hello");
    let (server, client) = sides.told().await;
    let method = "test.Echo/Unary";
    assert_eq!(server, Told::new(method, false, sides.call(method, "OK", [peer()])));
    assert_eq!(client, Told::new(method, false, sides.call(method, "OK", [])));

    let instrument = |description: &str, attributes, span: &SpanData| Instrument {
        unit: "s".into(),
        description: description.into(),
        bounds: vec![0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0],
        points: vec![Point {
            attributes,
            count: 1,
            sum: span.end_time.duration_since(span.start_time).unwrap().as_secs_f64(),
        }],
    };
    let of_server = expected([
        ("rpc.system.name", "grpc".into()),
        ("rpc.method", method.into()),
        ("rpc.response.status_code", "OK".into()),
    ]);
    let incoming = "Measures the duration of an incoming Remote Procedure Call (RPC).";
    assert_eq!(
        measured(&sides.served),
        [("rpc.server.call.duration".into(), instrument(incoming, of_server, &sides.served.ended()[0]))]
            .into()
    );
    let outgoing = "Measures the duration of an outgoing Remote Procedure Call (RPC).";
    let of_client = sides.call(method, "OK", []);
    assert_eq!(
        measured(&sides.called),
        [("rpc.client.call.duration".into(), instrument(outgoing, of_client, &sides.called.ended()[0]))]
            .into()
    );
}

#[tokio::test]
async fn the_servers_span_is_the_child_of_the_clients() {
    // P-001, P-030
    let mut sides = Sides::new().await;
    sides.unary("/test.Echo/Unary", "hello").await.unwrap();
    let ([server], [client]) = (sides.served.spans().await, sides.called.spans().await);
    assert_eq!(server.span_context.trace_id(), client.span_context.trace_id());
    assert_eq!(server.parent_span_id, client.span_context.span_id());
    assert!(server.parent_span_is_remote);
}

#[tokio::test]
async fn a_client_that_is_not_told_its_origin_tells_no_server() {
    // H-103: generated clients know it from `with_origin`
    let mut sides = Sides::new().await;
    let channel = Channel::builder(format!("http://{}", sides.address).parse().unwrap()).connect_lazy();
    sides.client = Grpc::new(sides.called.client().layer(channel));
    sides.unary("/test.Echo/Unary", "hello").await.unwrap();
    let (_, client) = sides.told().await;
    let mut known = sides.call("test.Echo/Unary", "OK", []);
    known.retain(|key, _| !key.starts_with("server."));
    assert_eq!(client, Told::new("test.Echo/Unary", false, known));
}
