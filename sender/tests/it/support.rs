//! What the tests share: a destination, a directory, patience.

use bytes::Bytes;
use std::{
    collections::BTreeMap,
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};
use throughline_sender::{Destination, Disk, Limits, Protocol, Remote, Request, Sender, Signal, Stats};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpSocket, TcpStream},
};

/// How long a test waits for what must come. Generous: the machine may be busy.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// What a receiver does with a request.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Reply {
    /// Keeps it if the status is 200.
    Status(u16),
    /// Keeps it, and closes the connection without a word.
    Lost,
    /// Keeps nothing, says nothing, keeps the connection.
    Silence,
}

/// A destination on a free port, in whatever mood the test wants. It stops with the runtime of the test.
#[derive(Clone)]
pub(crate) struct Receiver {
    pub(crate) address: SocketAddr,
    state: Arc<Mutex<State>>,
}

struct State {
    taken: Vec<Bytes>,
    requests: usize,
    connections: usize,
    mood: Box<dyn FnMut(&Bytes) -> Reply + Send>,
}

impl Receiver {
    pub(crate) async fn start() -> Self {
        Receiver::at(TcpListener::bind("127.0.0.1:0").await.unwrap())
    }

    pub(crate) fn at(listener: TcpListener) -> Self {
        let state =
            State { taken: vec![], requests: 0, connections: 0, mood: Box::new(|_| Reply::Status(200)) };
        let address = listener.local_addr().unwrap();
        let receiver = Receiver { address, state: Arc::new(Mutex::new(state)) };
        let inside = receiver.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let inside = inside.clone();
                tokio::spawn(async move {
                    inside.state.lock().unwrap().connections += 1;
                    inside.clone().serve(stream).await;
                    inside.state.lock().unwrap().connections -= 1;
                });
            }
        });
        receiver
    }

    /// What it does from now on.
    pub(crate) fn mood(&self, mood: impl FnMut(&Bytes) -> Reply + Send + 'static) {
        self.state.lock().unwrap().mood = Box::new(mood);
    }

    /// What it took, in this order.
    pub(crate) fn taken(&self) -> Vec<String> {
        let state = self.state.lock().unwrap();
        state.taken.iter().map(|body| String::from_utf8_lossy(body).into_owned()).collect()
    }

    pub(crate) fn bodies(&self) -> Vec<Bytes> {
        self.state.lock().unwrap().taken.clone()
    }

    /// Requests that it heard of, taken or not.
    pub(crate) fn requests(&self) -> usize {
        self.state.lock().unwrap().requests
    }

    /// Those that are open: when the last one is gone, there is nothing more to come on them.
    pub(crate) fn connections(&self) -> usize {
        self.state.lock().unwrap().connections
    }

    async fn serve(self, mut stream: TcpStream) -> Option<()> {
        let (from, mut to) = stream.split();
        let mut from = BufReader::new(from);
        loop {
            let body = read(&mut from).await?;
            let reply = {
                let mut state = self.state.lock().unwrap();
                state.requests += 1;
                let reply = (state.mood)(&body);
                if matches!(reply, Reply::Status(200) | Reply::Lost) {
                    state.taken.push(body);
                }
                reply
            };
            match reply {
                Reply::Status(status) => {
                    let head = format!("HTTP/1.1 {status} so\r\ncontent-length: 0\r\n\r\n");
                    to.write_all(head.as_bytes()).await.ok()?;
                }
                Reply::Lost => return None,
                Reply::Silence => std::future::pending().await,
            }
        }
    }
}

async fn read(from: &mut (impl tokio::io::AsyncBufRead + Unpin)) -> Option<Bytes> {
    let mut length = 0;
    loop {
        let mut line = String::new();
        if tokio::io::AsyncBufReadExt::read_line(from, &mut line).await.ok()? == 0 {
            return None;
        }
        let line = line.trim().to_ascii_lowercase();
        if let Some(value) = line.strip_prefix("content-length:") {
            length = value.trim().parse().ok()?;
        }
        if line.is_empty() {
            break;
        }
    }
    let mut body = vec![0; length];
    from.read_exact(&mut body).await.ok()?;
    Some(body.into())
}

/// An address where nobody listens until the test does: bound for as long as the process lives, so that no other test
/// gets the port.
pub(crate) fn nobody() -> SocketAddr {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_reuseaddr(true).unwrap();
    socket.bind(([127, 0, 0, 1], 0).into()).unwrap();
    let address = socket.local_addr().unwrap();
    std::mem::forget(socket);
    address
}

pub(crate) fn remote(address: SocketAddr) -> Remote {
    Remote::new(Protocol::HttpProtobuf, format!("http://{address}/v1/traces").parse().unwrap())
}

pub(crate) fn sender(address: SocketAddr, disk: Option<Disk>) -> Sender {
    let limits = Limits { disk, ..Limits::default() };
    Sender::start(Signal::Traces, Destination::Remote(remote(address)), limits).unwrap()
}

/// One span, by this name. Nobody looks inside a request unless it is too large.
pub(crate) fn span(name: impl Into<String>) -> Request {
    Request { items: 1, body: Bytes::from(name.into()) }
}

/// recorded, delivered, failed, dropped, queued, and of these on disk; after checking that they add up.
pub(crate) fn counts(stats: &Stats) -> [u64; 6] {
    assert_eq!(stats.recorded, stats.delivered + stats.failed + stats.dropped + stats.queued, "{stats:?}");
    assert!(stats.on_disk <= stats.queued, "{stats:?}");
    [stats.recorded, stats.delivered, stats.failed, stats.dropped, stats.queued, stats.on_disk]
}

/// Waits until the condition holds; fails when patience is over.
pub(crate) async fn until(what: &str, mut condition: impl FnMut() -> bool) {
    let limit = Instant::now() + PATIENCE;
    while !condition() {
        assert!(Instant::now() < limit, "waited {PATIENCE:?} in vain: {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// A directory of one test, removed at its end.
pub(crate) struct Directory(pub(crate) PathBuf);

impl Directory {
    pub(crate) fn new() -> Self {
        static NUMBER: AtomicUsize = AtomicUsize::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("throughline-sender-{}-{number}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        Directory(path)
    }

    pub(crate) fn disk(&self) -> Disk {
        Disk::new(&self.0)
    }

    /// The files of requests and what is in them, by their paths below the directory.
    pub(crate) fn files(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        let mut files = BTreeMap::new();
        walk(&self.0, &mut |path| {
            if path.extension().is_some_and(|ending| ending == "otlp") {
                let inside = path.strip_prefix(&self.0).unwrap().to_owned();
                // It may be deleted at this moment.
                files.extend(std::fs::read(path).ok().map(|bytes| (inside, bytes)));
            }
        });
        files
    }

    /// The one file of requests.
    pub(crate) fn file(&self) -> PathBuf {
        let files = self.files();
        assert_eq!(files.len(), 1, "{:?}", files.keys());
        self.0.join(files.into_keys().next().unwrap())
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

pub(crate) fn walk(directory: &Path, found: &mut impl FnMut(&Path)) {
    let Ok(entries) = std::fs::read_dir(directory) else { return };
    for path in entries.flatten().map(|entry| entry.path()) {
        match path.is_dir() {
            true => walk(&path, found),
            false => found(&path),
        }
    }
}
