//! Who shows what was agreed may send, nobody else, and nobody by a fault.

use super::{http::fault, *};
use crate::support::gateway::Directory;
use prost::Message;
use throughline_sender::{Credentials, Secret, Signal};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

const BASIC: (&str, &str) = ("authorization", "Basic dXNlcjpwYXNz");
const KIND: (&str, &str) = ("content-type", PROTOBUF);
const GRPC: (&str, &str) = ("content-type", "application/grpc");

fn guarded(credentials: Vec<Credentials>) -> Collector {
    start(|config| config.receive.credentials = credentials)
}

fn basic() -> Credentials {
    Credentials::Basic { user: "user".into(), password: Secret::value("pass") }
}

fn code(reply: &Reply) -> &str {
    reply.header("grpc-status").or_else(|| reply.trailers.get("grpc-status")?.to_str().ok()).unwrap()
}

// O-064, O-066, O-071
#[tokio::test]
async fn without_the_right_credentials_there_is_401_or_unauthenticated() {
    let collector = guarded(vec![basic(), Credentials::Bearer(Secret::value("token"))]);
    let (http, grpc) = (collector.http_address().unwrap(), collector.grpc_address().unwrap());
    let body = traces("a", vec![span(1, 0, "x")]).encode_to_vec();
    let frame = [&[0][..], &(body.len() as u32).to_be_bytes(), &body].concat();
    for shown in [BASIC, ("authorization", "bearer token")] {
        assert_eq!(send(http, "POST", "/v1/traces", &[KIND, shown], &body).await.status, StatusCode::OK);
        assert_eq!(code(&call(grpc, Signal::Traces.grpc_path(), &[GRPC, shown], &frame).await), "0");
    }
    assert_eq!((collector.counters().spans, collector.counters().refused_requests), (4, 0));

    for shown in ["", "Basic dXNlcjpwYXNZ", "Bearer dXNlcjpwYXNz", "token"] {
        let shown = ("authorization", shown);
        let reply = send(http, "POST", "/v1/traces", &[KIND, shown], &body).await;
        assert_eq!((reply.status, fault(&reply).code), (StatusCode::UNAUTHORIZED, 16));
        let challenges: Vec<_> = reply.headers.get_all("www-authenticate").iter().collect();
        assert_eq!(
            challenges,
            [r#"Basic realm="throughline", charset="UTF-8""#, r#"Bearer realm="throughline""#]
        );
        let reply = call(grpc, Signal::Traces.grpc_path(), &[GRPC, shown], &frame).await;
        assert_eq!(
            (code(&reply), reply.header("grpc-message")),
            ("16", Some("the credentials are missing or wrong"))
        );
    }
    // Nothing is told to strangers, not even what is there.
    let json = ("content-type", "application/json");
    for (method, path, kind) in
        [("GET", "/", KIND), ("POST", "/v1/traces", json), ("POST", "/v1/traces", ("x", ""))]
    {
        let reply = send(http, method, path, &[kind], b"{}").await;
        assert_eq!(reply.status, StatusCode::UNAUTHORIZED, "{method} {path}");
        assert!(reply.text().contains("the credentials are missing or wrong"));
    }
    assert_eq!((collector.counters().spans, collector.counters().refused_requests), (4, 11));
}

// O-071: before the body is read, and without breaking the connection of a client that still writes.
#[tokio::test]
async fn a_stranger_is_answered_before_the_body_is_read() {
    let collector = guarded(vec![basic()]);
    let head = |headers: &str| {
        format!(
            "POST /v1/traces HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-type: {PROTOBUF}\r\n{headers}\r\n\r\n"
        )
    };
    let asking = (head("expect: 100-continue\r\ncontent-length: 9"), Vec::new());
    let writing = (head(&format!("content-length: {}", 8 << 20)), vec![b'x'; 8 << 20]);
    for (head, body) in [asking, writing] {
        let mut stream = TcpStream::connect(collector.http_address().unwrap()).await.unwrap();
        stream.write_all(head.as_bytes()).await.unwrap();
        stream.write_all(&body).await.unwrap();
        let mut answer = Vec::new();
        let read = tokio::time::timeout(crate::support::PATIENCE, stream.read_to_end(&mut answer));
        read.await.unwrap().unwrap();
        assert!(answer.starts_with(b"HTTP/1.1 401 "), "{}", String::from_utf8_lossy(&answer));
    }
}

#[tokio::test]
async fn a_secret_in_a_file_holds_as_it_is_now_and_lets_nobody_in_while_it_cannot_be_read() {
    let directory = Directory::new();
    let path = directory.write("token", "first\n");
    let collector = guarded(vec![Credentials::Bearer(Secret::file(&path))]);
    let status = async |token: &str| {
        let shown = format!("Bearer {token}");
        let headers = [KIND, ("authorization", shown.as_str())];
        send(collector.http_address().unwrap(), "POST", "/v1/traces", &headers, b"").await.status.as_u16()
    };
    assert_eq!([status("first").await, status("second").await, status("").await], [200, 401, 401]);
    directory.write("token", "second");
    assert_eq!([status("first").await, status("second").await], [401, 200]);
    for broken in [&b""[..], b"\n", b"\xff"] {
        directory.write("token", broken);
        assert_eq!([status("first").await, status("second").await, status("").await], [401, 401, 401]);
    }
    std::fs::remove_file(&path).unwrap();
    assert_eq!([status("second").await, status("").await], [401, 401]);
    directory.write("token", "third");
    assert_eq!([status("second").await, status("third").await], [401, 200]);
}

#[test]
fn a_secret_that_cannot_be_read_fails_the_start() {
    let mut config = Config::default();
    (config.grpc, config.http, config.view) = (None, None, None);
    config.receive.credentials = vec![basic(), Credentials::Bearer(Secret::file("/no/such/token"))];
    let error = Collector::start(config).unwrap_err().to_string();
    assert!(error.contains("/no/such/token"), "{error}");
}

#[tokio::test]
async fn our_own_sender_is_let_in_with_what_it_knows() {
    use crate::support::sending::{remote, sender, span};
    let collector = guarded(vec![basic()]);
    for (protocol, address) in [
        (throughline::sender::Protocol::Grpc, collector.grpc_address()),
        (throughline::sender::Protocol::HttpProtobuf, collector.http_address()),
        (throughline::sender::Protocol::HttpJson, collector.http_address()),
    ] {
        let mut remote = remote(protocol, "http://127.0.0.1", address.unwrap());
        remote.credentials = Some(basic());
        let known = sender(remote.clone());
        known.send(span("work"));
        known.flush(crate::support::PATIENCE).await.unwrap();
        remote.credentials = Some(Credentials::Bearer(Secret::value("pass")));
        let stranger = sender(remote);
        stranger.send(span("work"));
        assert!(stranger.flush(crate::support::PATIENCE).await.is_err());
        assert_eq!(stranger.stats().failed, 1, "{protocol:?}");
    }
    assert_eq!((collector.counters().spans, collector.counters().refused_requests), (3, 3));
}
