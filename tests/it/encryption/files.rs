//! What is wrong with a file is said with its name; what is right again is taken up.

use crate::support::{
    PATIENCE,
    gateway::{Authority, Directory, Gateway, HTTP},
    receiver::{Decoded, Receiver},
    sending::{failure, remote, sender, span, start_failure},
};
use std::{fs, os::unix::fs::symlink};
use throughline::sender::{Protocol, Tls};

#[tokio::test]
async fn a_file_that_cannot_be_used_is_named_with_its_fault_before_anything_is_sent() {
    let (authority, directory) = (Authority::new(), Directory::new());
    let (one, other) = (authority.identity("one.example"), authority.identity("other.example"));
    let write = |name: &str, content: &[u8]| Some(directory.write(name, content));
    let torn = &authority.pem()[..100];
    let no_base64 = "-----BEGIN CERTIFICATE-----\nhush\u{1}\n-----END CERTIFICATE-----\n";
    let no_der = "-----BEGIN CERTIFICATE-----\naHVzaA==\n-----END CERTIFICATE-----\n";
    let encrypted = "-----BEGIN ENCRYPTED PRIVATE KEY-----\naHVzaA==\n-----END ENCRYPTED PRIVATE KEY-----\n";
    let certificate = || write("one.pem", one.certificate.as_bytes());
    let trust = |certificate| Tls { certificate, ..Tls::default() };
    let show = |client_certificate, client_key| Tls { client_certificate, client_key, ..trust(None) };
    fs::create_dir(directory.path().join("directory")).unwrap();
    let nowhere = directory.path().join("nowhere.pem");

    for (tls, fault) in [
        (trust(Some(nowhere.clone())), "@/nowhere.pem: No such file or directory (os error 2)"),
        (trust(Some(directory.path().join("directory"))), "@/directory is a directory"),
        (trust(Some("/dev/null".into())), "/dev/null is not a file"),
        (trust(write("empty.pem", b"")), "@/empty.pem holds no certificate in PEM"),
        (trust(write("garbage.pem", b"\xff\0hush")), "@/garbage.pem holds no certificate in PEM"),
        (trust(write("key.pem", one.key.as_bytes())), "@/key.pem holds no certificate in PEM"),
        (trust(write("torn.pem", torn.as_bytes())), "@/torn.pem ends in the middle of a section"),
        (trust(write("text.pem", no_base64.as_bytes())), "@/text.pem has a section that is not base64"),
        (trust(write("no-der.pem", no_der.as_bytes())), "no certificate in @/no-der.pem can be read"),
        (trust(write("large.pem", &vec![b'\n'; (1 << 20) + 1])), "@/large.pem is larger than 1048576 bytes"),
        (show(certificate(), None), "the client certificate @/one.pem has no key; name its file too"),
        (show(None, write("one.key", b"")), "the client key @/one.key has no certificate; name its file too"),
        (show(Some(nowhere), write("one.key", b"")), "@/nowhere.pem: No such file or directory (os error 2)"),
        (show(certificate(), write("empty.key", b"")), "@/empty.key holds no private key in PEM"),
        (
            show(certificate(), write("encrypted.key", encrypted.as_bytes())),
            "the private key in @/encrypted.key is encrypted; decrypt it with `openssl pkey`",
        ),
        (
            show(certificate(), write("other.key", other.key.as_bytes())),
            "@/other.key is not the key of @/one.pem",
        ),
        (
            show(write("no-der.pem", no_der.as_bytes()), write("one.key", one.key.as_bytes())),
            "the certificate in @/no-der.pem cannot be read",
        ),
    ] {
        for protocol in [Protocol::HttpProtobuf, Protocol::Grpc] {
            let mut remote = remote(protocol, "https://localhost", ([127, 0, 0, 1], 9).into());
            remote.tls = tls.clone();
            let expected = format!("{remote}: {fault}").replace('@', &directory.path().display().to_string());
            assert_eq!(start_failure(remote), expected);
        }
    }
}

#[tokio::test]
async fn without_https_the_files_are_not_read() {
    let receiver = Receiver::start();
    let mut remote = remote(Protocol::HttpProtobuf, "http://127.0.0.1", receiver.http_address());
    remote.tls = Tls { certificate: Some("/nowhere".into()), ..Tls::default() };
    let sender = sender(remote);
    sender.send(span("plain"));
    sender.flush(PATIENCE).await.unwrap();
}

#[tokio::test]
async fn an_authority_that_is_written_later_ends_the_outage_and_a_torn_one_begins_none() {
    let (receiver, authority, directory) = (Receiver::start(), Authority::new(), Directory::new());
    let file = directory.write("authority.pem", Authority::new().pem());
    let gateway = Gateway::start(receiver.http_address(), HTTP, &authority.identity("localhost"), None).await;
    let mut remote = remote(Protocol::HttpProtobuf, "https://localhost", gateway.address);
    remote.tls.certificate = Some(file.clone());
    let sender = sender(remote);
    sender.send(span("first"));
    failure(&sender).await;
    directory.write("authority.pem", authority.pem());
    sender.flush(PATIENCE).await.unwrap();
    for content in ["", "garbage"] {
        directory.write("authority.pem", content);
        sender.send(span("next"));
        sender.flush(PATIENCE).await.unwrap();
    }
    fs::remove_file(file).unwrap();
    sender.send(span("last"));
    sender.flush(PATIENCE).await.unwrap();
    assert_eq!(receiver.spans().len(), 4);
    // What cannot be used is no reason to give up the connection.
    assert_eq!(gateway.clients().len(), 1);
}

// As the kubelet does it: a link to a directory is swapped, the names in it stay.
#[tokio::test]
async fn a_swapped_link_is_a_new_identity_on_a_new_connection() {
    let (receiver, authority, directory) = (Receiver::start(), Authority::new(), Directory::new());
    let clients = [authority.identity("old.example"), authority.identity("new.example")];
    let swap = |version: &str, identity: &crate::support::gateway::Identity| {
        let (data, link) = (directory.path().join(version), directory.path().join("..data"));
        fs::create_dir(&data).unwrap();
        fs::write(data.join("tls.crt"), &identity.certificate).unwrap();
        fs::write(data.join("tls.key"), &identity.key).unwrap();
        symlink(&data, directory.path().join("..new")).unwrap();
        fs::rename(directory.path().join("..new"), link).unwrap();
    };
    swap("..one", &clients[0]);
    for name in ["tls.crt", "tls.key"] {
        symlink(format!("..data/{name}"), directory.path().join(name)).unwrap();
    }
    let gateway =
        Gateway::start(receiver.http_address(), HTTP, &authority.identity("localhost"), Some(&authority))
            .await;
    let mut remote = remote(Protocol::HttpProtobuf, "https://localhost", gateway.address);
    remote.tls = Tls {
        certificate: Some(directory.write("authority.pem", authority.pem())),
        client_certificate: Some(directory.path().join("tls.crt")),
        client_key: Some(directory.path().join("tls.key")),
    };
    let sender = sender(remote);
    for _ in 0..2 {
        sender.send(span("old"));
        sender.flush(PATIENCE).await.unwrap();
    }
    swap("..two", &clients[1]);
    sender.send(span("new"));
    sender.flush(PATIENCE).await.unwrap();
    assert_eq!(gateway.clients(), clients.map(|client| Some(client.der)));
    assert_eq!(receiver.spans().len(), 3);
}
