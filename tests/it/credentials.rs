//! Who sends is said to the server, and to nobody else.

use crate::support::{
    PATIENCE,
    child::Process,
    gateway::Directory,
    receiver::Receiver,
    sending::{failure, remote, sender, span, start_failure},
};
use std::{
    fs, io,
    os::unix::fs::symlink,
    sync::{Arc, Mutex},
};
use throughline::{
    sender::{Credentials, Destination, Protocol, Remote, Secret, Sender},
    testing::Fault,
};

fn basic(user: &str, password: Secret) -> Option<Credentials> {
    Some(Credentials::Basic { user: user.into(), password })
}

fn bearer(token: Secret) -> Option<Credentials> {
    Some(Credentials::Bearer(token))
}

fn known(receiver: &Receiver, credentials: Option<Credentials>) -> Remote {
    let mut remote = remote(Protocol::HttpProtobuf, "http://127.0.0.1", receiver.http_address());
    remote.credentials = credentials;
    remote
}

async fn send(sender: &Sender) {
    sender.send(span("work"));
    sender.flush(PATIENCE).await.unwrap();
}

/// The values of `Authorization` of all requests.
fn authorizations(receiver: &Receiver) -> Vec<String> {
    let requests = receiver.requests();
    requests.iter().map(|request| request.headers["authorization"].to_str().unwrap().to_owned()).collect()
}

// B-031
#[tokio::test]
async fn users_and_tokens_from_values_and_files_reach_both_protocols() {
    let (receiver, directory) = (Receiver::start(), Directory::new());
    let (plain, line) = (directory.write("plain", "pass"), directory.write("line", "tok en\r\n"));
    for credentials in [
        basic("user", Secret::value("pass")),
        basic("user", Secret::file(&plain)),
        basic("", Secret::value("")),
        bearer(Secret::value("token")),
        bearer(Secret::file(&line)),
    ] {
        send(&sender(known(&receiver, credentials.clone()))).await;
        let mut remote = remote(Protocol::Grpc, "http://127.0.0.1", receiver.grpc_address());
        remote.credentials = credentials;
        send(&sender(remote)).await;
    }
    let expected =
        ["Basic dXNlcjpwYXNz", "Basic dXNlcjpwYXNz", "Basic Og==", "Bearer token", "Bearer tok en"];
    assert_eq!(authorizations(&receiver), expected.map(|value| [value, value]).concat());
}

#[tokio::test]
async fn a_header_of_the_same_name_wins_and_others_go_with_it() {
    let receiver = Receiver::start();
    // Not even read.
    let remote = known(&receiver, bearer(Secret::file("/nowhere")))
        .header("Authorization".parse().unwrap(), "Own".parse().unwrap())
        .header("X-Scope-OrgID".parse().unwrap(), "team one".parse().unwrap());
    send(&sender(remote)).await;
    let [request] = &receiver.requests()[..] else { panic!("one request") };
    let headers = &request.headers;
    assert_eq!(
        (&headers["authorization"], &headers["x-scope-orgid"]),
        (&"Own".parse().unwrap(), &"team one".parse().unwrap())
    );
}

#[test]
fn a_secret_that_cannot_be_used_is_named_with_its_fault_before_anything_is_sent() {
    let directory = Directory::new();
    let file = |name: &str, content: &[u8]| Secret::file(directory.write(name, content));
    for (credentials, fault) in [
        (bearer(Secret::file("/nowhere")), "/nowhere: No such file or directory (os error 2)"),
        (bearer(Secret::file(directory.path())), "@ is a directory"),
        (bearer(file("empty", b"")), "@/empty is empty"),
        (basic("user", file("newline", b"\n")), "@/newline is empty"),
        (basic("user", file("binary", b"hush\xff")), "@/binary is not text in UTF-8"),
        (bearer(file("lines", b"hush\nhush\n")), "@/lines has characters that a header cannot hold"),
        (bearer(file("large", &[b'h'; (64 << 10) + 1])), "@/large is larger than 65536 bytes"),
        (bearer(Secret::value("hush\n")), "the token has characters that a header cannot hold"),
        (basic("us:er", Secret::value("hush")), "the user has a colon, which ends a user"),
    ] {
        let mut remote = remote(Protocol::HttpProtobuf, "http://127.0.0.1", ([127, 0, 0, 1], 9).into());
        remote.credentials = credentials;
        let fault = fault.replace('@', &directory.path().display().to_string());
        assert_eq!(start_failure(remote), format!("http://127.0.0.1:9/v1/traces: {fault}"));
    }
}

// As the kubelet does it: a link to a directory is swapped, the names in it stay.
#[tokio::test]
async fn a_secret_that_is_swapped_goes_with_the_next_request_and_a_broken_one_does_not() {
    let (receiver, directory) = (Receiver::start(), Directory::new());
    let swap = |version: &str, token: &str| {
        let (data, link) = (directory.path().join(version), directory.path().join("..data"));
        fs::create_dir(&data).unwrap();
        fs::write(data.join("token"), token).unwrap();
        symlink(&data, directory.path().join("..new")).unwrap();
        fs::rename(directory.path().join("..new"), link).unwrap();
    };
    swap("..one", "first");
    let path = directory.path().join("token");
    symlink("..data/token", &path).unwrap();
    let sender = sender(known(&receiver, bearer(Secret::file(&path))));
    send(&sender).await;
    swap("..two", "later"); // as long as the first
    send(&sender).await;
    swap("..three", "");
    send(&sender).await;
    fs::remove_file(&path).unwrap();
    send(&sender).await;
    directory.write("token", "last");
    send(&sender).await;
    assert_eq!(
        authorizations(&receiver),
        ["first", "later", "later", "later", "last"].map(|token| format!("Bearer {token}"))
    );
}

// O-035, O-093
#[tokio::test]
async fn no_secret_is_in_anything_that_is_said_or_shown() {
    // Alone: where another thread without a subscriber comes by first, `tracing` may take it that nobody listens.
    let mut process = Process::this_test("credentials::process", &[]);
    assert!(process.ended().await.success(), "{:#?}", process.lines());
}

#[tokio::test]
#[ignore = "the process of the test above"]
async fn process() {
    #[derive(Clone, Default)]
    struct Said(Arc<Mutex<Vec<u8>>>);
    impl io::Write for Said {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let said = Said::default();
    let writer = said.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(move || writer.clone())
        .finish();
    let _subscriber = tracing::subscriber::set_default(subscriber); // this test's runtime has one thread

    let (receiver, directory) = (Receiver::start(), Directory::new());
    let file = directory.write("token", "canary-in-a-file\n");
    let mut shown = Vec::new();
    for (credentials, secret) in [
        (basic("user", Secret::value("canary-as-value")), "canary-as-value"),
        (bearer(Secret::file(&file)), "canary-in-a-file"),
    ] {
        for (protocol, address, status) in [
            (Protocol::HttpProtobuf, receiver.http_address(), 401),
            (Protocol::Grpc, receiver.grpc_address(), 200),
        ] {
            let origin = format!("http://canary:canary@127.0.0.1:{}/canary/?key=canary", address.port());
            let mut remote = Remote::new(protocol, origin.replace("/canary/", "/v1/traces").parse().unwrap())
                .header("x-key".parse().unwrap(), "canary-in-a-header".parse().unwrap());
            remote.credentials = credentials.clone();
            let destination = Destination::Remote(remote.clone());
            shown.push(format!("{remote} {remote:?} {destination} {destination:?}"));
            let sender = sender(remote);
            let complaint = format!("who is {secret} canary-in-a-header");
            let headers = match protocol {
                Protocol::Grpc => vec![
                    ("content-type".into(), "application/grpc".into()),
                    ("grpc-status".into(), "16".into()),
                    ("grpc-message".into(), complaint.clone()),
                ],
                _ => vec![],
            };
            receiver.then(Fault::Verbatim { status, headers, body: complaint.into_bytes() });
            sender.send(span("work"));
            let unsent = sender.flush(PATIENCE).await.unwrap_err();
            let fault = failure(&sender).await;
            assert!(fault.contains("who is … …"), "{fault}");
            directory.write("token", "");
            sender.send(span("work"));
            sender.flush(PATIENCE).await.unwrap();
            directory.write("token", "canary-in-a-file\n");
            shown.push(format!("{unsent} {unsent:?} {sender:?} {:?}", sender.stats()));
        }
    }
    let said = String::from_utf8(said.0.lock().unwrap().clone()).unwrap();
    assert!(said.contains("token is empty; what was read before stays in use"), "{said}");
    let told = said.lines().chain(shown.iter().map(String::as_str));
    // Also in base64.
    let leaks = told.filter(|line| ["canary", "dXNlcjpj"].iter().any(|part| line.contains(part)));
    assert_eq!(leaks.take(3).collect::<Vec<_>>(), Vec::<&str>::new());
    let hosts = receiver.requests().into_iter().filter_map(|request| request.headers.get("host").cloned());
    assert_eq!(Vec::from_iter(hosts), vec![receiver.http_address().to_string(); 4]);
}
