//! Throws bodies at the collector's ports, in every encoding and form: each is answered, and with nothing but what OTLP
//! has for it. How: see variables.rs.

#![no_main]

use std::{
    cell::RefCell,
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    sync::LazyLock,
};
use throughline_collector::{Collector, Config};

static COLLECTOR: LazyLock<(Collector, SocketAddr)> = LazyLock::new(|| {
    let mut config = Config::default();
    (config.grpc, config.http, config.view) = (None, Some(([127, 0, 0, 1], 0).into()), None);
    (config.max_bytes, config.max_request_bytes) = (1 << 20, 1 << 16);
    let collector = Collector::start(config).unwrap();
    let address = collector.http_address().unwrap();
    (collector, address)
});

thread_local! {
    static CONNECTION: RefCell<TcpStream> = RefCell::new(TcpStream::connect(COLLECTOR.1).unwrap());
}

const ENCODINGS: [&str; 4] = ["identity", "gzip", "deflate", "zstd"];
const FORMS: [&str; 2] = ["x-protobuf", "json"];

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let Some((choice, body)) = data.split_first() else { return };
    let (encoding, form) = (ENCODINGS[usize::from(choice & 3)], FORMS[usize::from(choice >> 2 & 1)]);
    let head = format!(
        "POST /v1/traces HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/{form}\r\n\
         content-encoding: {encoding}\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    CONNECTION.with_borrow_mut(|connection| {
        connection.write_all(&[head.as_bytes(), body].concat()).unwrap();
        let status = answer(connection);
        assert!(matches!(&*status, "200" | "400" | "413"), "{status}");
    });
});

/// The status of an answer, which is read to its end.
fn answer(connection: &mut TcpStream) -> String {
    let (mut answer, mut piece) = (Vec::new(), [0; 4096]);
    loop {
        let count = connection.read(&mut piece).unwrap();
        assert!(count > 0, "cut off");
        answer.extend_from_slice(&piece[..count]);
        let Some(end) = answer.windows(4).position(|end| end == b"\r\n\r\n") else { continue };
        let head = String::from_utf8_lossy(&answer[..end]).to_ascii_lowercase();
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
        if answer.len() == end + 4 + length.parse::<usize>().unwrap() {
            return head.split(' ').nth(1).unwrap().to_owned();
        }
    }
}
