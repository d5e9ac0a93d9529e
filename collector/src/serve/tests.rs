use super::*;
use std::{net::SocketAddr, sync::atomic::AtomicUsize, sync::atomic::Ordering::SeqCst};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    time::Instant,
};

/// The preface of HTTP/2 and empty settings.
const HELLO: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";

const PING: u8 = 6;
const SETTINGS: u8 = 4;

/// Answers with so many bytes.
#[derive(Clone)]
struct Bytes(usize, Arc<AtomicUsize>);

impl Handler for Bytes {
    async fn answer(self, _: Request<Incoming>) -> Response<Reply> {
        self.1.fetch_add(1, SeqCst);
        Response::new(Reply::of(vec![b'x'; self.0]))
    }
}

/// A port, and how many requests were answered there.
async fn served(limits: Limits, bytes: usize) -> (SocketAddr, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let answered = Arc::default();
    tokio::spawn(serve(listener, limits, Bytes(bytes, Arc::clone(&answered))));
    (address, answered)
}

fn limits(connections: usize, patience: Duration) -> Limits {
    Limits { connections, streams: 7, patience }
}

async fn opened(address: SocketAddr, first: &[u8]) -> TcpStream {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(first).await.unwrap();
    stream
}

const GET: &[u8] = b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n";

async fn answers(stream: &mut TcpStream) {
    let mut start = [0; 15];
    timeout(Duration::from_secs(20), stream.read_exact(&mut start)).await.unwrap().unwrap();
    assert_eq!(&start, b"HTTP/1.1 200 OK");
}

/// Reads frames of HTTP/2, answers pings and settings, and returns the first frame that is wanted; `None`: the
/// connection ended before.
async fn frame(stream: &mut TcpStream, wanted: impl Fn(u8, u8) -> bool) -> Option<Vec<u8>> {
    loop {
        let mut head = [0; 9];
        stream.read_exact(&mut head).await.ok()?;
        let mut content = vec![0; usize::from(head[1]) << 8 | usize::from(head[2])];
        stream.read_exact(&mut content).await.ok()?;
        let (kind, flags) = (head[3], head[4]);
        if wanted(kind, flags) {
            return Some(content);
        }
        if kind == PING && flags == 0 {
            head[4] = 1;
            stream.write_all(&[&head[..], &content].concat()).await.ok()?;
        }
    }
}

#[tokio::test]
async fn no_more_connections_are_served_than_there_are_places() {
    let (address, answered) = served(limits(2, Duration::from_secs(60)), 10).await;
    let mut first = opened(address, GET).await;
    let mut second = opened(address, GET).await;
    answers(&mut first).await;
    answers(&mut second).await;
    // The system accepts it, nobody reads it.
    let mut third = opened(address, GET).await;
    let mut start = [0; 1];
    assert!(timeout(Duration::from_millis(300), third.read(&mut start)).await.is_err());
    assert_eq!(answered.load(SeqCst), 2);
    drop(first);
    answers(&mut third).await;
}

// O-057
#[tokio::test]
async fn a_connection_says_how_many_requests_it_takes_at_a_time_and_answers_pings() {
    let (address, _) = served(limits(2, Duration::from_secs(60)), 10).await;
    let mut stream = opened(address, HELLO).await;
    let settings = frame(&mut stream, |kind, flags| kind == SETTINGS && flags == 0).await.unwrap();
    let streams = settings.chunks(6).find(|setting| setting[..2] == [0, 3]).unwrap();
    assert_eq!(streams[2..], [0, 0, 0, 7]);
    stream.write_all(b"\0\0\x08\x06\0\0\0\0\0pingping").await.unwrap();
    let pong = timeout(Duration::from_secs(20), frame(&mut stream, |kind, flags| kind == PING && flags == 1));
    assert_eq!(pong.await.unwrap().unwrap(), b"pingping");
}

// O-072
#[tokio::test]
async fn an_http2_connection_without_a_request_is_closed_although_it_answers_pings() {
    let (address, _) = served(limits(1, Duration::from_millis(300)), 10).await;
    let mut idle = opened(address, HELLO).await;
    let end = timeout(Duration::from_secs(20), frame(&mut idle, |_, _| false)).await;
    assert_eq!(end.unwrap(), None);
    answers(&mut opened(address, GET).await).await;
}

#[tokio::test]
async fn a_part_of_the_preface_keeps_no_place() {
    let (address, _) = served(limits(1, Duration::from_secs(60)), 10).await;
    let mut half = opened(address, &HELLO[..9]).await;
    half.shutdown().await.unwrap();
    answers(&mut opened(address, GET).await).await;
    drop(half);
}

#[tokio::test]
async fn a_preface_may_come_byte_by_byte() {
    let (address, _) = served(limits(1, Duration::from_secs(60)), 10).await;
    let mut stream = opened(address, b"").await;
    for byte in HELLO {
        stream.write_all(&[*byte]).await.unwrap();
        sleep(Duration::from_millis(1)).await;
    }
    assert!(frame(&mut stream, |kind, _| kind == SETTINGS).await.is_some());
}

// Far more than the system buffers for a client.
const MUCH: usize = 64 << 20;

#[tokio::test]
async fn a_client_that_does_not_read_its_answer_is_cut_off() {
    let (address, answered) = served(limits(1, Duration::from_millis(300)), MUCH).await;
    let mut deaf = opened(address, GET).await;
    // Another client gets its place; both limits are long over then.
    let mut next = opened(address, GET).await;
    answers(&mut next).await;
    assert_eq!(answered.load(SeqCst), 2);
    let mut rest = Vec::new();
    let _ = deaf.read_to_end(&mut rest).await;
    assert!(rest.len() < MUCH, "{}", rest.len());
}

#[tokio::test]
async fn a_client_that_reads_gets_the_whole_of_a_large_answer() {
    let (address, _) = served(limits(1, Duration::from_secs(60)), 3_000_001).await;
    let mut stream = opened(address, b"GET / HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n").await;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    assert!(answer.ends_with(&[b'x'; 3_000_001]));
    assert!(answer.windows(4).take(500).any(|end| end == b"\r\n\r\n"));
}

#[tokio::test]
async fn patience_ends_without_a_request_or_with_an_answer_that_is_not_taken() {
    let limit = Duration::from_millis(100);
    let patience = Patience::new(limit);
    let begin = Instant::now();
    patience.ends().await;
    assert!(begin.elapsed() >= limit);
    let made = patience.begin();
    // An answer that is being made has all the time it needs.
    assert!(timeout(limit * 3, patience.ends()).await.is_err());
    made.answered();
    let other = patience.begin();
    timeout(Duration::from_secs(20), patience.ends()).await.unwrap();
    drop(made);
    assert!(timeout(limit * 3, patience.ends()).await.is_err());
    drop(other);
    timeout(Duration::from_secs(20), patience.ends()).await.unwrap();
}
