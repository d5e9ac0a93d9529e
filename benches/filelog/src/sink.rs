//! An OTLP/HTTP server that counts records and answers at once.

use crate::usage::ours;
use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    thread,
};
use throughline_sender::wire::{Fields, Slice, Value};

pub struct Sink {
    address: SocketAddr,
    counts: Arc<Counts>,
}

#[derive(Default)]
struct Counts {
    records: AtomicU64,
    bytes: AtomicU64,
}

impl Sink {
    pub fn start() -> Sink {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let counts = Arc::new(Counts::default());
        let theirs = Arc::clone(&counts);
        thread::spawn(move || {
            ours();
            for stream in listener.incoming().flatten() {
                let counts = Arc::clone(&theirs);
                thread::spawn(move || serve(stream, &counts));
            }
        });
        Sink { address, counts }
    }

    pub fn url(&self) -> String {
        format!("http://{}/v1/logs", self.address)
    }

    pub fn records(&self) -> u64 {
        self.counts.records.load(Relaxed)
    }

    pub fn bytes(&self) -> u64 {
        self.counts.bytes.load(Relaxed)
    }
}

/// One request after the other, until the connection ends.
fn serve(stream: TcpStream, counts: &Counts) -> Option<()> {
    ours();
    let mut answers = stream.try_clone().ok()?;
    let mut requests = BufReader::new(stream);
    let (mut line, mut body) = (String::new(), Vec::new());
    loop {
        let mut length = 0;
        loop {
            line.clear();
            if requests.read_line(&mut line).ok()? == 0 {
                return None;
            }
            if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().ok()?;
            }
            if line == "\r\n" {
                break;
            }
        }
        body.resize(length, 0);
        requests.read_exact(&mut body).ok()?;
        counts.records.fetch_add(records(&body), Relaxed);
        counts.bytes.fetch_add(length as u64, Relaxed);
        let answer = "HTTP/1.1 200 OK\r\ncontent-type: application/x-protobuf\r\ncontent-length: 0\r\n\r\n";
        answers.write_all(answer.as_bytes()).ok()?;
    }
}

fn records(body: &[u8]) -> u64 {
    let whole = Slice { prefix: 0, start: 0, end: body.len() };
    let resources = slices(body, whole, 1);
    let scopes = resources.into_iter().flat_map(|resource| slices(body, resource, 2));
    scopes.map(|scope| slices(body, scope, 2).len() as u64).sum()
}

fn slices(body: &[u8], within: Slice, number: u32) -> Vec<Slice> {
    let fields = Fields::within(body, within).map(|field| field.expect("protobuf"));
    let slice = |value| if let Value::Slice(slice) = value { Some(slice) } else { None };
    fields.filter(|field| field.number == number).filter_map(|field| slice(field.value)).collect()
}
