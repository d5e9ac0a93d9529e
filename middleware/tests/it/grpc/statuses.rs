use opentelemetry::Value;
use tonic::Code;

use super::{Sides, Told, boxed, client, peer, unary};
use crate::{
    measured::counts,
    support::{Telemetry, attributes, expected, nobody},
};

#[tokio::test]
async fn a_status_in_the_head_is_an_error_to_the_client_and_to_the_server_if_it_is_its_own_fault() {
    // H-101, H-102: `trailers-only`
    for (text, code, is_servers) in
        [("not_found", Code::NotFound, false), ("data_loss", Code::DataLoss, true)]
    {
        let mut sides = Sides::new().await;
        assert_eq!(sides.unary("/test.Echo/Unary", text).await.unwrap_err().code(), code);
        let status = if is_servers { "DATA_LOSS" } else { "NOT_FOUND" };
        let (server, client) = sides.told().await;
        let failed = ("error.type", Value::from(status));
        let method = "test.Echo/Unary";
        let mut served = sides.call(method, status, [peer()]);
        served.extend(is_servers.then(|| ("error.type".into(), status.into())));
        assert_eq!(server, Told::new(method, is_servers, served));
        assert_eq!(client, Told::new(method, true, sides.call(method, status, [failed])));
    }
}

#[tokio::test]
async fn a_method_or_a_service_that_is_not_there_is_other() {
    // H-100, H-102
    for method in ["/test.Echo/Shout", "/test.Other/Unary"] {
        let mut sides = Sides::new().await;
        assert_eq!(sides.unary(method, "hello").await.unwrap_err().code(), Code::Unimplemented);
        let (server, client) = sides.told().await;
        let failed = ("error.type", Value::from("UNIMPLEMENTED"));
        let original = ("rpc.method_original", Value::from(&method[1..]));
        let other = sides.call("_OTHER", "UNIMPLEMENTED", [peer(), original, failed.clone()]);
        assert_eq!(server, Told::new("grpc", true, other));
        // To who calls it, it is a method.
        assert_eq!(
            client,
            Told::new(&method[1..], true, sides.call(&method[1..], "UNIMPLEMENTED", [failed]))
        );
    }
}

#[tokio::test]
async fn a_handler_that_panics_is_a_panic_to_the_server_and_a_failure_to_the_client() {
    // H-079, H-102
    let mut sides = Sides::new().await;
    assert!(sides.unary("/test.Echo/Unary", "panic").await.is_err());
    let ([server], [client]) = (sides.served.spans().await, sides.called.spans().await);
    let claimed = [peer(), ("rpc.method_original", "test.Echo/Unary".into()), ("error.type", "panic".into())];
    assert_eq!(Told::of(&server), Told::new("grpc", true, sides.call("_OTHER", "UNKNOWN", claimed)));
    let broken = ("error.type", Value::from("tonic::transport::error::Error"));
    let told = sides.call("test.Echo/Unary", "UNKNOWN", [broken]);
    assert_eq!(Told::of(&client), Told::new("test.Echo/Unary", true, told));
}

#[tokio::test]
async fn a_refused_connection_is_told_as_far_as_the_error_can_be_seen_through() {
    // H-079, H-101, H-102
    let address = nobody();
    for (is_boxed, status, error) in
        [(false, "UNKNOWN", "tonic::transport::error::Error"), (true, "UNAVAILABLE", "connect")]
    {
        let telemetry = Telemetry::new();
        let request = tonic::Request::new("hello".into());
        let refused = match is_boxed {
            false => unary(&mut client(&telemetry.client(), address), "/test.Echo/Unary", request).await,
            true => unary(&mut boxed(&telemetry.client(), address), "/test.Echo/Unary", request).await,
        };
        // tonic makes the same of both.
        assert_eq!(refused.unwrap_err().code(), Code::Unavailable);
        let [span] = telemetry.spans().await;
        let told = expected([
            ("rpc.system.name", "grpc".into()),
            ("rpc.method", "test.Echo/Unary".into()),
            ("rpc.response.status_code", status.into()),
            ("server.address", "127.0.0.1".into()),
            ("server.port", i64::from(address.port()).into()),
            ("error.type", error.into()),
        ]);
        assert_eq!(attributes(&span.attributes), told);
        assert_eq!(counts(&telemetry, "rpc.client.call.duration"), [(told, 1)]);
    }
}
