//! Services to ask, something to ask them with, and what was recorded of it.

mod measured;

use std::{
    collections::BTreeMap,
    convert::Infallible,
    fmt,
    net::SocketAddr,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use axum::Router;
use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use http_body::{Body, Frame};
use http_body_util::Empty;
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo};
use opentelemetry::{Array, KeyValue, StringValue, Value};
use opentelemetry_sdk::{
    metrics::{
        InMemoryMetricExporter, PeriodicReader, SdkMeterProvider,
        data::{AggregatedMetrics, MetricData, ResourceMetrics},
    },
    trace::{InMemorySpanExporter, Sampler, SdkTracerProvider, ShouldSample, SpanData},
};
use throughline_middleware::{ClientLayer, ServerLayer, propagation::Composite};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpSocket, TcpStream},
    sync::mpsc,
};

/// No test waits longer than this for anything.
pub(crate) const LIMIT: Duration = Duration::from_secs(10);

/// Waits until the predicate holds.
pub(crate) async fn until(limit: Duration, mut predicate: impl FnMut() -> bool) {
    let holds = async {
        while !predicate() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    tokio::time::timeout(limit, holds).await.expect("the condition should hold in time");
}

/// An attribute set: all of it, and every key once.
pub(crate) type Attributes = BTreeMap<String, Value>;

pub(crate) fn attributes<'a>(attributes: impl IntoIterator<Item = &'a KeyValue>) -> Attributes {
    let mut set = Attributes::new();
    for attribute in attributes {
        let twice = set.insert(attribute.key.to_string(), attribute.value.clone());
        assert_eq!(twice, None, "{} is there twice", attribute.key);
    }
    set
}

pub(crate) fn expected<const N: usize>(attributes: [(&str, Value); N]) -> Attributes {
    attributes.map(|(key, value)| (key.to_owned(), value)).into()
}

/// A list of texts, as captured headers are told.
pub(crate) fn list<const N: usize>(values: [&'static str; N]) -> Value {
    Value::Array(Array::String(values.map(StringValue::from).to_vec()))
}

/// One series of a duration histogram.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Series {
    pub(crate) attributes: Attributes,
    pub(crate) count: u64,
    pub(crate) sum: f64,
    pub(crate) bounds: Vec<f64>,
}

/// Providers that keep what they are given.
pub(crate) struct Telemetry {
    spans: InMemorySpanExporter,
    pub(crate) metrics: InMemoryMetricExporter,
    pub(crate) tracers: SdkTracerProvider,
    pub(crate) meters: SdkMeterProvider,
}

impl Telemetry {
    pub(crate) fn new() -> Self {
        Self::sampled(Sampler::ParentBased(Box::new(Sampler::AlwaysOn)))
    }

    pub(crate) fn sampled(sampler: impl ShouldSample + 'static) -> Self {
        let (spans, metrics) = (InMemorySpanExporter::default(), InMemoryMetricExporter::default());
        let tracers =
            SdkTracerProvider::builder().with_simple_exporter(spans.clone()).with_sampler(sampler).build();
        let reader =
            PeriodicReader::builder(metrics.clone()).with_interval(Duration::from_secs(3600)).build();
        let meters = SdkMeterProvider::builder().with_reader(reader).build();
        Self { spans, metrics, tracers, meters }
    }

    pub(crate) fn server(&self) -> ServerLayer {
        ServerLayer::new(&self.tracers, &self.meters, Arc::new(Composite::default()))
    }

    pub(crate) fn client(&self) -> ClientLayer {
        ClientLayer::new(&self.tracers, &self.meters, Arc::new(Composite::default()))
    }

    /// Spans that have ended so far.
    pub(crate) fn ended(&self) -> Vec<SpanData> {
        self.spans.get_finished_spans().unwrap()
    }

    /// Waits for exactly this many ended spans.
    pub(crate) async fn spans<const N: usize>(&self) -> [SpanData; N] {
        until(LIMIT, || self.ended().len() >= N).await;
        self.ended().try_into().unwrap()
    }

    /// All series of a histogram, after checking that the meter has no other instrument.
    pub(crate) fn durations(&self, name: &str, description: &str) -> Vec<Series> {
        self.meters.force_flush().unwrap();
        let metrics = self.metrics.get_finished_metrics().unwrap();
        let Some(metrics) = metrics.last() else { return Vec::new() };
        let mut series = Vec::new();
        // The SDK measures itself once the global providers are set.
        for scope in metrics.scope_metrics().filter(|scope| scope.scope().name() != "otel.sdk") {
            assert_eq!(scope.scope().name(), "throughline");
            assert_eq!(scope.scope().schema_url(), Some("https://opentelemetry.io/schemas/1.42.0"));
            for metric in scope.metrics() {
                assert_eq!((metric.name(), metric.unit(), metric.description()), (name, "s", description));
                let AggregatedMetrics::F64(MetricData::Histogram(histogram)) = metric.data() else {
                    panic!("not a histogram of floats")
                };
                series.extend(histogram.data_points().map(|point| Series {
                    attributes: attributes(point.attributes()),
                    count: point.count(),
                    sum: point.sum(),
                    bounds: point.bounds().collect(),
                }));
            }
        }
        series
    }

    /// The last export of all metrics.
    pub(crate) fn exported(&self) -> Option<ResourceMetrics> {
        self.meters.force_flush().unwrap();
        self.metrics.get_finished_metrics().unwrap().pop()
    }

    pub(crate) fn served(&self) -> Vec<Series> {
        self.durations("http.server.request.duration", "Duration of HTTP server requests.")
    }

    pub(crate) fn called(&self) -> Vec<Series> {
        self.durations("http.client.request.duration", "Duration of HTTP client requests.")
    }
}

/// Numbers that look random and are the same each time.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    pub(crate) fn below(&mut self, limit: u64) -> u64 {
        (self.next() >> 16) % limit
    }
}

/// An address where nobody listens, nor ever will: bound for as long as the process lives, so that no other test
/// gets the port.
pub(crate) fn nobody() -> SocketAddr {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(([127, 0, 0, 1], 0).into()).unwrap();
    let address = socket.local_addr().unwrap();
    std::mem::forget(socket);
    address
}

/// Serves a router on a free port.
pub(crate) async fn serve(router: Router) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let service = router.into_make_service_with_connect_info::<SocketAddr>();
    tokio::spawn(async move { axum::serve(listener, service).await.unwrap() });
    address
}

/// A request that is answered and closed, with nothing in it that is not needed.
pub(crate) fn get_request(target: &str) -> String {
    format!("GET {target} HTTP/1.1\r\nhost: h\r\nconnection: close\r\n\r\n")
}

/// Sends a request as these bytes; the connection it leaves open is its address and its stream.
pub(crate) async fn send(address: SocketAddr, request: impl AsRef<[u8]>) -> TcpStream {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(request.as_ref()).await.unwrap();
    stream
}

/// Sends a request as these bytes and reads until the server closes.
pub(crate) async fn ask(address: SocketAddr, request: impl AsRef<[u8]>) -> (SocketAddr, String) {
    let mut stream = send(address, request).await;
    let mut response = Vec::new();
    // A server that breaks off may reset the connection: what came before is the answer.
    let _ = stream.read_to_end(&mut response).await;
    (stream.local_addr().unwrap(), String::from_utf8(response).unwrap())
}

/// Reads until these bytes came.
pub(crate) async fn read_until(stream: &mut TcpStream, needle: &str) {
    let mut read = String::new();
    while !read.contains(needle) {
        let mut buffer = [0; 1024];
        let length = tokio::time::timeout(LIMIT, stream.read(&mut buffer)).await.unwrap().unwrap();
        assert_ne!(length, 0, "closed after {read:?}");
        read.push_str(std::str::from_utf8(&buffer[..length]).unwrap());
    }
}

/// Sends one request over a connection of its own: hyper as it comes, for use as a tower service.
pub(crate) async fn fetch(mut request: Request<Empty<Bytes>>) -> Result<Response<Incoming>, Failure> {
    let authority = request.uri().authority().ok_or(Failure("no host"))?.clone();
    let stream = TcpStream::connect(authority.as_str()).await.map_err(|_| Failure("connect"))?;
    let is_http2 = request.version() == http::Version::HTTP_2;
    if is_http2 {
        let (mut sender, connection) =
            hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream))
                .await
                .map_err(|_| Failure("handshake"))?;
        tokio::spawn(connection);
        return sender.send_request(request).await.map_err(|_| Failure("request"));
    }
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
        .await
        .map_err(|_| Failure("handshake"))?;
    tokio::spawn(connection);
    request.headers_mut().insert("host", authority.as_str().parse().unwrap());
    *request.uri_mut() = request.uri().path_and_query().unwrap().as_str().parse().unwrap();
    sender.send_request(request).await.map_err(|_| Failure("request"))
}

/// The error of [`fetch`].
#[derive(Debug)]
pub(crate) struct Failure(pub(crate) &'static str);

impl fmt::Display for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.0)
    }
}

impl std::error::Error for Failure {}

/// A frame, the end of the body (nothing), or its failure.
pub(crate) type Step = Option<Result<Frame<Bytes>, Failure>>;

/// A body whose frames are sent from outside; it never tells its end in advance.
pub(crate) struct Remote(mpsc::UnboundedReceiver<Step>);

pub(crate) fn remote() -> (mpsc::UnboundedSender<Step>, Remote) {
    let (sender, receiver) = mpsc::unbounded_channel();
    (sender, Remote(receiver))
}

impl Body for Remote {
    type Data = Bytes;
    type Error = Failure;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        task: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Failure>>> {
        self.0.poll_recv(task).map(Option::flatten)
    }
}

/// A frame of data.
pub(crate) fn data(text: &'static str) -> Step {
    Some(Ok(Frame::data(Bytes::from_static(text.as_bytes()))))
}

/// A service that answers every request with the response that it makes.
pub(crate) fn respond<B>(
    response: impl Fn() -> Response<B> + Clone,
) -> impl tower::Service<Request<()>, Response = Response<B>, Error = Infallible, Future: Send> + Clone
where
    B: Send,
{
    tower::service_fn(move |_request| std::future::ready(Ok(response())))
}

/// All lines of a header, in order.
pub(crate) fn lines(headers: &HeaderMap, name: &str) -> Vec<String> {
    headers.get_all(name).iter().map(|line| line.to_str().unwrap().to_owned()).collect()
}
