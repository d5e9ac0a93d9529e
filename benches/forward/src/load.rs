//! Requests of 100 spans and 56 KB, from four clients that each wait for their answer.

use bytes::{BufMut, Bytes, BytesMut};
use http_body_util::{BodyExt, Full};
use hyper::{Request, client::conn::http2};
use hyper_util::rt::{TokioExecutor, TokioIo};
use opentelemetry_proto::tonic::{
    collector::trace::v1::ExportTraceServiceRequest,
    common::v1::{AnyValue, KeyValue, any_value::Value},
    resource::v1::Resource,
    trace::v1::{ResourceSpans, ScopeSpans, Span},
};
use prost::Message;
use std::{
    hash::{BuildHasher, RandomState},
    io::Write,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};
use tokio::{net::TcpStream, task::JoinSet, time::sleep};

const SPANS: u64 = 100;
const CLIENTS: u64 = 4;
/// Different ones, one after the other.
const BODIES: u64 = 64;

fn text(key: &str, value: String) -> KeyValue {
    let value = Some(AnyValue { value: Some(Value::StringValue(value)) });
    KeyValue { key: key.into(), value, ..KeyValue::default() }
}

fn random(number: u64) -> u64 {
    RandomState::new().hash_one(number)
}

fn span(number: u64) -> Span {
    let ids = [random(number).to_be_bytes(), random(number).to_be_bytes(), random(number).to_be_bytes()];
    let attributes = vec![
        text("http.request.method", "GET".into()),
        text("http.route", "/users/{id}/orders/{order}".into()),
        text("url.path", format!("/users/{}/orders/{}", random(1) % 100_000, random(2) % 1_000_000)),
        text("url.scheme", "https".into()),
        text("server.address", "shop.example.com".into()),
        text("client.address", format!("10.0.{}.{}", random(3) % 256, random(4) % 256)),
        text(
            "user_agent.original",
            "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0".into(),
        ),
        text("network.protocol.version", "1.1".into()),
        text("enduser.id", format!("{:016x}", random(5))),
        text("url.query", format!("page={}&sort=price&currency=EUR", random(10) % 1000)),
        text("cart.id", format!("{:016x}", random(6))),
    ];
    Span {
        trace_id: [ids[0], ids[1]].concat(),
        span_id: ids[2].to_vec(),
        parent_span_id: random(7).to_be_bytes().to_vec(),
        name: "GET /users/{id}/orders/{order}".into(),
        kind: 2,
        start_time_unix_nano: 1_790_000_000_000_000_000 + random(8) % 1_000_000_000,
        end_time_unix_nano: 1_790_000_001_000_000_000 + random(9) % 1_000_000_000,
        attributes,
        ..Span::default()
    }
}

/// Requests, each in a frame of gRPC.
pub(crate) fn bodies(is_gzip: bool) -> Vec<Bytes> {
    of_traces(SPANS, is_gzip)
}

/// The same, each with so many traces.
pub(crate) fn of_traces(traces: u64, is_gzip: bool) -> Vec<Bytes> {
    let body = |number: u64| {
        let attributes =
            vec![text("service.name", "shop".into()), text("k8s.pod.name", format!("shop-{number}"))];
        let resource = Some(Resource { attributes, ..Resource::default() });
        let ids: Vec<Vec<u8>> = (0..traces).map(|trace| span(trace).trace_id).collect();
        let in_trace = |place: u64| Span { trace_id: ids[(place % traces) as usize].clone(), ..span(place) };
        let spans = (0..SPANS).map(in_trace).collect();
        let scope_spans = vec![ScopeSpans { spans, ..ScopeSpans::default() }];
        let resource_spans = vec![ResourceSpans { resource, scope_spans, ..ResourceSpans::default() }];
        framed(&ExportTraceServiceRequest { resource_spans }.encode_to_vec(), is_gzip)
    };
    (0..BODIES).map(body).collect()
}

fn framed(message: &[u8], is_gzip: bool) -> Bytes {
    let zipped = is_gzip.then(|| {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(message).and_then(|()| encoder.finish()).expect("memory")
    });
    let message = zipped.as_deref().unwrap_or(message);
    let mut frame = BytesMut::with_capacity(message.len() + 5);
    frame.put_u8(u8::from(is_gzip));
    frame.put_u32(message.len() as u32);
    frame.put_slice(message);
    frame.freeze()
}

/// Sends so many spans, each until it is acknowledged; with a pause, so many requests in its time.
pub(crate) async fn send(address: SocketAddr, bodies: &[Bytes], spans: u64, pause: Option<Duration>) {
    let next = Arc::new(AtomicU64::new(0));
    let mut clients = JoinSet::new();
    for _ in 0..CLIENTS {
        let (next, bodies) = (next.clone(), bodies.to_vec());
        clients.spawn(async move {
            let stream = TcpStream::connect(address).await.expect("the peer listens");
            stream.set_nodelay(true).expect("a socket");
            let (mut client, connection) =
                http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.expect("HTTP/2");
            tokio::spawn(connection);
            loop {
                let number = next.fetch_add(1, Relaxed);
                if number * SPANS >= spans {
                    return;
                }
                let body = &bodies[number as usize % bodies.len()];
                while !call(&mut client, address, body).await {
                    sleep(Duration::from_millis(50)).await;
                }
                if let Some(pause) = pause {
                    sleep(pause * CLIENTS as u32).await;
                }
            }
        });
    }
    clients.join_all().await;
}

/// Whether it was taken.
async fn call(client: &mut http2::SendRequest<Full<Bytes>>, address: SocketAddr, body: &Bytes) -> bool {
    let mut request =
        Request::post(format!("http://{address}/opentelemetry.proto.collector.trace.v1.TraceService/Export"))
            .header("content-type", "application/grpc")
            .header("te", "trailers");
    if body.first() == Some(&1) {
        request = request.header("grpc-encoding", "gzip");
    }
    let request = request.body(Full::new(body.clone())).expect("a request");
    client.ready().await.expect("a connection");
    let response = client.send_request(request).await.expect("an answer");
    let status = response.headers().get("grpc-status").cloned();
    let trailers = response.into_body().collect().await.expect("the whole answer").trailers().cloned();
    let status = status.or_else(|| trailers?.get("grpc-status").cloned());
    status.is_some_and(|status| status == "0")
}
