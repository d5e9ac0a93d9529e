//! `throughline collect` does what its options and variables say.

use crate::support::{
    PATIENCE, ask,
    child::Process,
    gateway::{Authority, Directory, Identity},
    get, request,
    sending::{remote, sender, span},
    until,
};
use bytes::Bytes;
use http_body_util::Full;
use std::{collections::BTreeMap, net::SocketAddr, time::Duration};
use throughline::{
    sender::{Credentials, Protocol, Secret},
    testing::Receiver,
};

/// The program, with these variables and no others.
fn program(options: &[&str], variables: &[(&str, &str)]) -> Process {
    let program = std::env::current_exe().unwrap().ancestors().nth(2).unwrap().join("throughline");
    Process::start(&program.display().to_string(), &[&["collect"], options].concat(), variables)
}

const ANYWHERE: [(&str, &str); 3] = [
    ("THROUGHLINE_COLLECTOR_GRPC", "127.0.0.1:0"),
    ("THROUGHLINE_COLLECTOR_HTTP", "localhost:0"),
    ("THROUGHLINE_COLLECTOR_VIEW", "off"),
];

/// What stands behind these words in a line.
async fn told(process: &Process, words: &str) -> String {
    process.line(&[words]).await.rsplit(' ').next().unwrap().to_owned()
}

async fn address(process: &Process, protocol: Protocol) -> SocketAddr {
    let words = if protocol == Protocol::Grpc { "takes OTLP/gRPC at" } else { "takes OTLP/HTTP at" };
    told(process, words).await.parse().unwrap()
}

/// Sends a request without content as a page of this origin would; the status and the headers of CORS.
async fn of_page(url: &str, method: &str, origin: &str) -> (u16, BTreeMap<String, String>) {
    let headers = [
        ("origin", origin),
        ("content-type", "application/json"),
        ("access-control-request-method", "POST"),
        ("access-control-request-headers", "x-tenant"),
    ];
    let (head, _) = request(method, url.to_owned(), &headers).into_parts();
    let answer = ask(http::Request::from_parts(head, Full::new(Bytes::from_static(b"{}")))).await.unwrap();
    let of_cors = answer.headers().iter().filter(|(name, _)| name.as_str().starts_with("access-control"));
    let told = of_cors.map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()));
    (answer.status().as_u16(), told.collect())
}

// O-071, O-093: TLS, client certificates, a token and a password together, half of it by variables.
#[tokio::test]
async fn who_has_no_certificate_or_no_secret_gets_nothing_through() {
    let (directory, authority) = (Directory::new(), Authority::new());
    let (server, known) = (authority.identity("localhost"), authority.identity("client"));
    let stranger = Authority::named("other").identity("client");
    let write = |name: &str, content: &str| directory.write(name, content).display().to_string();
    let ca = write("ca.pem", &authority.pem());
    let [certificate, key] = [write("tls.crt", &server.certificate), write("tls.key", &server.key)];
    let [token, password] = [write("token", "hush\n"), write("password", "secret")];
    let variables = [
        ("THROUGHLINE_COLLECTOR_TLS_KEY", key.as_str()),
        ("THROUGHLINE_COLLECTOR_TLS_CLIENT_AUTHORITY", &ca),
        ("THROUGHLINE_COLLECTOR_TOKEN", &format!("{token}, {password}")),
    ];
    let user = format!("ada:{password}");
    let options = ["--tls-certificate", &certificate, "--user", &user, "--debug=normal"];
    let mut process = program(&options, &[&ANYWHERE[..], &variables].concat());

    let bearer = |token: &str| Some(Credentials::Bearer(Secret::value(token)));
    let basic = |password| Some(Credentials::Basic { user: "ada".into(), password: Secret::value(password) });
    let cases: [(Option<&Identity>, Option<Credentials>, bool); 7] = [
        (Some(&known), bearer("hush"), true),
        (Some(&known), bearer("secret"), true),
        (Some(&known), basic("secret"), true),
        (Some(&known), basic("hush"), false),
        (Some(&known), None, false),
        (None, bearer("hush"), false),
        (Some(&stranger), bearer("hush"), false),
    ];
    for protocol in [Protocol::Grpc, Protocol::HttpProtobuf] {
        for (number, (identity, credentials, gets_through)) in cases.iter().enumerate() {
            let mut remote = remote(protocol, "https://localhost", address(&process, protocol).await);
            remote.tls.certificate = Some(directory.path().join("ca.pem"));
            if let Some(identity) = identity {
                remote.tls.client_certificate = Some(directory.write("client.crt", &identity.certificate));
                remote.tls.client_key = Some(directory.write("client.key", &identity.key));
            }
            remote.credentials = credentials.clone();
            let sender = sender(remote);
            sender.send(span(&format!("{}-{number}", if *gets_through { "welcome" } else { "unwelcome" })));
            let limit = if *gets_through { PATIENCE } else { Duration::from_secs(1) };
            let _ = sender.flush(limit).await;
            assert_eq!(sender.stats().delivered == 1, *gets_through, "{protocol:?} {number}");
        }
    }
    process.terminate();
    assert!(process.ended().await.success());
    let lines = process.lines();
    let shown = |word: &str| lines.iter().filter(|line| line.starts_with(word)).count();
    assert_eq!((shown("welcome-"), shown("unwelcome-")), (6, 0), "{lines:#?}");
    assert!(!lines.iter().any(|line| line.contains("hush") || line.contains("secret")), "{lines:#?}");
}

// O-069
#[tokio::test]
async fn pages_of_the_origins_that_are_named_may_send_and_no_others() {
    let variables = [
        ("THROUGHLINE_COLLECTOR_CORS_ORIGIN", "https://shop.example,https://*.shop.example"),
        ("THROUGHLINE_COLLECTOR_CORS_HEADER", "content-type,x-tenant"),
    ];
    let process = program(&["--cors-max-age", "60"], &[&ANYWHERE[..], &variables].concat());
    let url = format!("http://{}/v1/traces", address(&process, Protocol::HttpJson).await);
    for origin in ["https://shop.example", "https://eu.shop.example"] {
        let (status, told) = of_page(&url, "OPTIONS", origin).await;
        assert_eq!(status, 204);
        let expected = [
            ("access-control-allow-origin", origin),
            ("access-control-allow-methods", "POST"),
            ("access-control-allow-headers", "content-type, x-tenant"),
            ("access-control-max-age", "60"),
        ];
        let expected = expected.map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!(told, expected.into(), "{origin}");
        assert_eq!(of_page(&url, "POST", origin).await.0, 200);
    }
    assert_eq!(of_page(&url, "OPTIONS", "https://other.example").await, (403, BTreeMap::new()));
    assert_eq!(of_page(&url, "POST", "https://other.example").await, (403, BTreeMap::new()));
}

#[tokio::test]
async fn options_win_over_variables_and_these_over_the_file() {
    let (receiver, directory) = (Receiver::start(), Directory::new());
    let path = |name: &str| directory.path().join(name).display().to_string();
    let [queue, lines] = [path("queue"), path("lines.jsonl")];
    let file = format!(
        "THROUGHLINE_COLLECTOR_HEALTH=127.0.0.1:0\nTHROUGHLINE_COLLECTOR_FILE={lines}\nTHROUGHLINE_QUEUE_DIRECTORY={queue}\n\
         OTEL_EXPORTER_OTLP_ENDPOINT={}\nTHROUGHLINE_COLLECTOR_DEBUG=loud\n",
        receiver.http_endpoint()
    );
    let file = directory.write("collect.env", file).display().to_string();
    let variables =
        [("THROUGHLINE_COLLECTOR_PROMETHEUS", "127.0.0.1:0"), ("THROUGHLINE_COLLECTOR_DEBUG", "softly")];
    let options = ["--env-file", &file, "--debug=basic", "--prometheus", "off"];
    let process = program(&options, &[&ANYWHERE[..], &variables].concat());
    let health = told(&process, "tells whether it is well at").await;
    assert_eq!(get(&health, &[]).await.unwrap().0, 200);
    let endpoint = receiver.http_endpoint();
    let to = |signal| format!("sends {signal} to {endpoint}/v1/{signal} (OTEL_EXPORTER_OTLP_ENDPOINT)");
    let expected = [
        format!("takes OTLP/gRPC at {}", address(&process, Protocol::Grpc).await),
        format!("takes OTLP/HTTP at {}", address(&process, Protocol::HttpJson).await),
        to("traces"),
        to("metrics"),
        to("logs"),
        "shows everything here".into(),
        format!("writes everything to {lines}"),
        format!("keeps what cannot be sent now in {queue}"),
        format!("tells whether it is well at {health}"),
    ];
    assert_eq!(process.lines(), expected);
}

#[tokio::test]
async fn a_variable_that_cannot_be_understood_is_named_and_nothing_starts() {
    for (variable, value, option) in [
        ("THROUGHLINE_COLLECTOR_ACKNOWLEDGE", "perhaps", "--acknowledge"),
        ("THROUGHLINE_COLLECTOR_TLS_KEY", "key.pem", "--tls-key"),
        ("THROUGHLINE_QUEUE_BYTES", "many", "--queue-bytes"),
    ] {
        let mut process = program(&[], &[(variable, value)]);
        assert_eq!(process.ended().await.code(), Some(2), "{variable}");
        let lines = process.lines();
        let given = format!("given by variables: {option} ({variable})");
        assert!(lines[0] == given && lines[1].starts_with("error: "), "{lines:#?}");
    }
}

#[tokio::test]
async fn a_file_that_is_full_makes_room_for_the_next_one_and_the_oldest_leaves() {
    let directory = Directory::new();
    let file = directory.path().join("spans.jsonl").display().to_string();
    let variables = [("THROUGHLINE_COLLECTOR_FILE_BYTES", "400"), ("THROUGHLINE_COLLECTOR_FILE_COUNT", "2")];
    let process = program(&["--file", &file, "--batch-items", "1"], &[&ANYWHERE[..], &variables].concat());
    let sender = sender(remote(Protocol::Grpc, "http://localhost", address(&process, Protocol::Grpc).await));
    let names = || {
        let entries = std::fs::read_dir(directory.path()).unwrap();
        let mut names =
            Vec::from_iter(entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()));
        names.sort();
        names
    };
    for number in 0..8 {
        sender.send(span(&format!("span-{number}")));
        sender.flush(PATIENCE).await.unwrap();
    }
    // Between two files there is none.
    let text = || std::fs::read_to_string(&file).unwrap_or_default();
    let last = || async { text().contains("span-7").then_some(()) };
    until("the last span in the file", last).await;
    assert_eq!(names(), ["spans.1.jsonl", "spans.jsonl"]);
    let kept = ["spans.1.jsonl", "spans.jsonl"].map(|name| {
        let text = std::fs::read_to_string(directory.path().join(name)).unwrap();
        assert!(text.len() <= 400 && text.ends_with('\n'), "{text}");
        text
    });
    assert!(!kept.concat().contains("span-0"), "{kept:?}");
}

#[tokio::test]
async fn what_the_collector_warns_of_is_a_line_on_stderr() {
    let directory = Directory::new();
    let token = directory.write("token", "hush").display().to_string();
    let process = program(&["--token", &token], &ANYWHERE);
    let url = format!("http://{}/v1/traces", address(&process, Protocol::HttpJson).await);
    std::fs::remove_file(&token).unwrap();
    assert_eq!(ask(request("POST", url, &[("authorization", "Bearer hush")])).await.unwrap().status(), 401);
    let line = process.line(&["WARN", "the credentials of clients cannot be read", "let nobody in"]).await;
    assert!(!line.contains("hush"), "{line}");
}
