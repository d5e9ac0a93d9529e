use std::time::Duration;

use http::uri::PathAndQuery;
use opentelemetry::Value;
use tokio::sync::mpsc;
use tokio_stream::{StreamExt, wrappers::ReceiverStream};
use tonic::Request;

use super::{Sides, Told, echo::Text, hang, peer};
use crate::{measured::counts, support::expected};

fn path(method: &'static str) -> PathAndQuery {
    PathAndQuery::from_static(method)
}

#[tokio::test]
async fn every_kind_of_call_is_one_span_and_one_duration() {
    // H-104, H-105
    for method in ["Unary", "Down", "Up", "Both"] {
        let mut sides = Sides::new().await;
        let name = format!("test.Echo/{method}");
        let path = PathAndQuery::try_from(format!("/{name}")).unwrap();
        sides.client.ready().await.unwrap();
        let words = || tokio_stream::iter(["one", "two"].map(String::from));
        let answer = match method {
            "Unary" => {
                let answer = sides.client.unary(Request::new("one two".into()), path, Text).await;
                vec![answer.unwrap().into_inner()]
            }
            "Up" => {
                let answer = sides.client.client_streaming(Request::new(words()), path, Text).await;
                vec![answer.unwrap().into_inner()]
            }
            "Down" => {
                let answer = sides.client.server_streaming(Request::new("one two".into()), path, Text).await;
                answer.unwrap().into_inner().collect::<Result<_, _>>().await.unwrap()
            }
            _ => {
                let answer = sides.client.streaming(Request::new(words()), path, Text).await;
                answer.unwrap().into_inner().collect::<Result<_, _>>().await.unwrap()
            }
        };
        assert_eq!(answer.join(" "), "one two");
        let (server, client) = sides.told().await;
        let call = |extra: &[(&str, Value)]| {
            let mut told = sides.call("", "OK", []);
            told.insert("rpc.method".into(), name.clone().into());
            told.extend(extra.iter().map(|(key, value)| ((*key).to_owned(), value.clone())));
            told
        };
        assert_eq!(server, Told::new(&name, false, call(&[peer()])));
        assert_eq!(client, Told::new(&name, false, call(&[])));
        assert_eq!(counts(&sides.served, "rpc.server.call.duration").len(), 1);
        assert_eq!(counts(&sides.called, "rpc.client.call.duration"), [(call(&[]), 1)]);
    }
}

#[tokio::test]
async fn a_stream_lasts_until_its_status_has_come() {
    // H-104
    let mut sides = Sides::new().await;
    let (words, asked) = mpsc::channel(1);
    sides.client.ready().await.unwrap();
    let asked = Request::new(ReceiverStream::new(asked));
    let answer = sides.client.streaming(asked, path("/test.Echo/Both"), Text).await.unwrap();
    let mut answer = answer.into_inner();
    for word in ["one", "two"] {
        words.send(word.to_owned()).await.unwrap();
        assert_eq!(answer.next().await.unwrap().unwrap(), word);
        assert!(sides.served.ended().is_empty() && sides.called.ended().is_empty());
    }
    drop(words);
    assert!(answer.next().await.is_none());
    let (server, client) = sides.told().await;
    assert_eq!(server, Told::new("test.Echo/Both", false, sides.call("test.Echo/Both", "OK", [peer()])));
    assert_eq!(client, Told::new("test.Echo/Both", false, sides.call("test.Echo/Both", "OK", [])));
}

#[tokio::test]
async fn a_stream_that_its_caller_leaves_is_cancelled_and_an_error_only_to_the_caller() {
    // H-102, H-104: unlike an HTTP call, H-07A
    let mut sides = Sides::new().await;
    sides.client.ready().await.unwrap();
    let asked = Request::new("one hang".to_owned());
    let answer = sides.client.server_streaming(asked, path("/test.Echo/Down"), Text).await.unwrap();
    let mut answer = answer.into_inner();
    assert_eq!(answer.next().await.unwrap().unwrap(), "one");
    sides.echo.hangs.notified().await;
    drop(answer);
    sides.echo.dropped.notified().await;
    let (server, client) = sides.told().await;
    // No answer has proven the method yet.
    let claimed = [peer(), ("rpc.method_original", "test.Echo/Down".into())];
    assert_eq!(server, Told::new("grpc", false, sides.call("_OTHER", "CANCELLED", claimed)));
    let told = sides.call("test.Echo/Down", "CANCELLED", [("error.type", "CANCELLED".into())]);
    assert_eq!(client, Told::new("test.Echo/Down", true, told.clone()));
    assert_eq!(counts(&sides.called, "rpc.client.call.duration"), [(told, 1)]);
}

#[tokio::test]
async fn a_stream_that_fails_midway_tells_its_status() {
    // H-102
    let mut sides = Sides::new().await;
    sides.client.ready().await.unwrap();
    let asked = Request::new("one data_loss".to_owned());
    let answer = sides.client.server_streaming(asked, path("/test.Echo/Down"), Text).await.unwrap();
    let words: Vec<_> = answer.into_inner().collect().await;
    assert!(matches!(&words[..], [Ok(_), Err(status)] if status.code() == tonic::Code::DataLoss));
    let (server, client) = sides.told().await;
    let failed = ("error.type", Value::from("DATA_LOSS"));
    let method = "test.Echo/Down";
    assert_eq!(server, Told::new(method, true, sides.call(method, "DATA_LOSS", [peer(), failed.clone()])));
    assert_eq!(client, Told::new(method, true, sides.call(method, "DATA_LOSS", [failed])));
}

#[tokio::test]
async fn a_call_that_its_deadline_ends_is_told_by_the_caller_as_late() {
    // H-101, H-102
    for (is_boxed, error) in [(false, "tonic::transport::error::Error"), (true, "timeout")] {
        let mut sides = Sides::new().await;
        let mut asked = Request::new("hang".to_owned());
        asked.set_timeout(Duration::from_millis(20));
        if is_boxed {
            let layer = sides.called.client();
            let mut client = super::boxed(&layer, sides.address);
            super::unary(&mut client, "/test.Echo/Unary", asked).await.unwrap_err();
        } else {
            super::unary(&mut sides.client, "/test.Echo/Unary", asked).await.unwrap_err();
        }
        let [client] = sides.called.spans().await;
        let late = sides.call("test.Echo/Unary", "DEADLINE_EXCEEDED", [("error.type", error.into())]);
        assert_eq!(Told::of(&client), Told::new("test.Echo/Unary", true, late.clone()));
        assert_eq!(counts(&sides.called, "rpc.client.call.duration"), [(late, 1)]);
    }
}

#[tokio::test]
async fn a_call_that_is_dropped_after_its_deadline_is_late_to_the_server_too() {
    // H-102: not by the caller, who may be gone, but by what it said
    let sides = Sides::new().await;
    let call = tokio::spawn(hang(sides.address));
    sides.echo.hangs.notified().await;
    // The call began before it hung.
    tokio::time::sleep(Duration::from_millis(20)).await;
    call.abort();
    let [server] = sides.served.spans().await;
    let claimed = [
        peer(),
        ("rpc.method_original", "test.Echo/Unary".into()),
        ("error.type", "DEADLINE_EXCEEDED".into()),
    ];
    assert_eq!(
        Told::of(&server),
        Told::new("grpc", true, sides.call("_OTHER", "DEADLINE_EXCEEDED", claimed))
    );
    let measured = expected([
        ("rpc.system.name", "grpc".into()),
        ("rpc.method", "_OTHER".into()),
        ("rpc.response.status_code", "DEADLINE_EXCEEDED".into()),
        ("error.type", "DEADLINE_EXCEEDED".into()),
    ]);
    assert_eq!(counts(&sides.served, "rpc.server.call.duration"), [(measured, 1)]);
}
