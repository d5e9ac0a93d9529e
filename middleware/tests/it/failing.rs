//! An error is told by its kind where that can be known, else by its type.

use std::{error::Error, fmt, io};

use axum::BoxError;
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Empty, Full};
use hyper_util::{client::legacy::Client, rt::TokioExecutor};
use tower::{Layer, ServiceBuilder, ServiceExt};

use crate::support::{Failure, Telemetry, attributes, nobody, remote};

/// An error around another, as clients make them.
#[derive(Debug)]
struct Wrapped(io::Error);

impl fmt::Display for Wrapped {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("client error")
    }
}

impl Error for Wrapped {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.0)
    }
}

/// Returns `error.type` of a server whose service fails with this error.
async fn told<E: 'static>(error: E) -> String {
    let telemetry = Telemetry::new();
    let error = std::cell::Cell::new(Some(error));
    let fails = tower::service_fn(async |_: Request<()>| match error.take() {
        Some(error) => Err(error),
        None => Ok(Response::new(Full::new(Bytes::new()))),
    });
    assert!(telemetry.server().layer(fails).oneshot(Request::new(())).await.is_err());
    let [span] = telemetry.spans().await;
    let told = attributes(&span.attributes)["error.type"].clone();
    assert_eq!(telemetry.served()[0].attributes["error.type"], told);
    told.to_string()
}

#[tokio::test]
async fn a_failed_connection_is_told_by_its_kind_however_deep_it_is() {
    // H-079, H-07B
    for (kind, expected) in [
        (io::ErrorKind::TimedOut, "timeout"),
        (io::ErrorKind::ConnectionRefused, "connect"),
        (io::ErrorKind::HostUnreachable, "connect"),
        (io::ErrorKind::NetworkUnreachable, "connect"),
        (io::ErrorKind::AddrNotAvailable, "connect"),
        (io::ErrorKind::ConnectionReset, "reset"),
        (io::ErrorKind::ConnectionAborted, "reset"),
        (io::ErrorKind::BrokenPipe, "reset"),
    ] {
        assert_eq!(told(io::Error::from(kind)).await, expected);
        assert_eq!(told(io::Error::other(io::Error::from(kind))).await, expected);
        assert_eq!(told(BoxError::from(Wrapped(kind.into()))).await, expected);
        assert_eq!(told(BoxError::from(io::Error::other(Wrapped(kind.into())))).await, expected);
        assert_eq!(told(Box::<dyn Error>::from(Wrapped(kind.into()))).await, expected);
        assert_eq!(told(axum::Error::new(Wrapped(kind.into()))).await, expected);
    }
}

#[tokio::test]
async fn any_other_failure_is_told_by_its_type() {
    // H-079
    assert_eq!(told(io::Error::other("broken")).await, "std::io::error::Error");
    assert_eq!(told(axum::Error::new("broken")).await, "axum_core::error::Error");
    assert_eq!(told(Failure("broken")).await, "it::support::Failure");
    assert_eq!(told("broken").await, "&str");
    // What is in a box cannot be told.
    assert_eq!(told(BoxError::from("broken")).await, "_OTHER");
    assert_eq!(told(Box::<dyn Error>::from("broken")).await, "_OTHER");
}

#[tokio::test]
async fn a_client_with_boxed_errors_tells_a_refused_connection() {
    // H-079
    let address = nobody();
    for (is_boxed, expected) in [(true, "connect"), (false, "hyper_util::client::legacy::client::Error")] {
        let telemetry = Telemetry::new();
        let client = Client::builder(TokioExecutor::new()).build_http::<Empty<Bytes>>();
        let request = Request::get(format!("http://{address}/")).body(Empty::new()).unwrap();
        let builder = ServiceBuilder::new().layer(telemetry.client());
        if is_boxed {
            builder.map_err(BoxError::from).service(client).oneshot(request).await.unwrap_err();
        } else {
            builder.service(client).oneshot(request).await.unwrap_err();
        }
        let [span] = telemetry.spans().await;
        assert_eq!(attributes(&span.attributes)["error.type"], expected.into());
    }
}

#[tokio::test]
async fn a_body_that_fails_is_told_by_its_kind() {
    // H-079
    let telemetry = Telemetry::new();
    let (frames, body) = remote();
    frames.send(Some(Err(Failure("broken")))).unwrap();
    let body = body.map_err(|_| axum::Error::new(io::Error::from(io::ErrorKind::ConnectionReset)));
    let body = std::sync::Mutex::new(Some(body));
    let service = tower::service_fn(async |_: Request<()>| {
        Ok::<_, std::convert::Infallible>(Response::new(body.lock().unwrap().take().unwrap()))
    });
    let response = telemetry.server().layer(service).oneshot(Request::new(())).await.unwrap();
    response.into_body().collect().await.unwrap_err();
    let [span] = telemetry.spans().await;
    let told = attributes(&span.attributes);
    assert_eq!((&told["error.type"], &told["http.response.status_code"]), (&"reset".into(), &200.into()));
}
