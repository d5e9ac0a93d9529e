use std::{convert::Infallible, net::SocketAddr};

use axum::Router;
use http::{Response, uri::PathAndQuery};
use tonic::{Status, client::Grpc, service::interceptor::InterceptedService, transport::Channel};

use super::{
    Sides,
    echo::{Echo, Text},
};
use crate::{
    measured::counts,
    support::{LIMIT, Telemetry, expected, serve, until},
};

const LANES: u64 = 8;

/// Calls as many methods as there are strangers, all different.
async fn flood(address: SocketAddr, service: &'static str, strangers: u64) {
    let origin: http::Uri = format!("http://{address}").parse().unwrap();
    let channel = Channel::builder(origin.clone()).connect_lazy();
    let mut lanes = tokio::task::JoinSet::new();
    for lane in 0..LANES {
        let mut client = Grpc::with_origin(channel.clone(), origin.clone());
        lanes.spawn(async move {
            for number in (lane..strangers).step_by(LANES as usize) {
                client.ready().await.unwrap();
                let path = PathAndQuery::try_from(format!("/{service}/Method{number}")).unwrap();
                let asked = tonic::Request::new(String::new());
                client.unary::<_, String, _>(asked, path, Text).await.unwrap_err();
            }
        });
    }
    lanes.join_all().await;
}

#[tokio::test]
async fn strangers_who_try_ten_thousand_methods_make_one_series() {
    // H-088, H-100
    for (service, status, is_error, strangers) in [
        // Turned away by whoever asks for their name,
        ("test.Echo", "UNAUTHENTICATED", false, 10_000),
        // found nowhere,
        ("test.None", "UNIMPLEMENTED", true, 2_500),
        // answered by something that is no gRPC, whatever the path is.
        ("any.Thing", "UNKNOWN", true, 2_500),
    ] {
        let telemetry = Telemetry::new();
        let stern =
            InterceptedService::new(Echo::default(), |_| Err(Status::unauthenticated("who are you?")));
        let anything =
            tower::service_fn(async |_| Ok::<_, Infallible>(Response::new(axum::body::Body::from("hello"))));
        let router = Router::new()
            .route_service("/test.Echo/{*rest}", stern)
            .route_service("/any.Thing/{*rest}", anything)
            .layer(telemetry.server());
        flood(serve(router).await, service, strangers).await;
        until(LIMIT, || telemetry.ended().len() as u64 == strangers).await;
        let mut one = expected([
            ("rpc.system.name", "grpc".into()),
            ("rpc.method", "_OTHER".into()),
            ("rpc.response.status_code", status.into()),
        ]);
        one.extend(is_error.then(|| ("error.type".into(), status.into())));
        assert_eq!(counts(&telemetry, "rpc.server.call.duration"), [(one, strangers)]);
        let named = telemetry.ended().into_iter().filter(|span| span.name != "grpc").count();
        assert_eq!(named, 0);
    }
}

#[tokio::test]
async fn a_method_that_answered_once_keeps_its_name_whatever_it_answers() {
    // H-100
    let mut sides = Sides::new().await;
    for text in ["panic", "not_found", "panic"] {
        sides.unary("/test.Echo/Unary", text).await.unwrap_err();
    }
    let spans: [_; 3] = sides.served.spans().await;
    assert_eq!(spans.map(|span| span.name), ["grpc", "test.Echo/Unary", "test.Echo/Unary"]);
}
