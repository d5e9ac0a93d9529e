//! Throws files at the queue on disk: what a start finds in them is sent or lost, and counted, to the last item. How: see
//! variables.rs.

#![no_main]

use std::{
    fs, iter,
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::LazyLock,
    time::Duration,
};
use throughline_sender::{Destination, Disk, Limits, Protocol, Remote, Request, Sender, Signal};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    runtime::{Builder, Runtime},
};

const LIMIT: Duration = Duration::from_secs(20);

static RUNTIME: LazyLock<Runtime> =
    LazyLock::new(|| Builder::new_current_thread().enable_all().build().unwrap());
static DIRECTORY: LazyLock<PathBuf> =
    LazyLock::new(|| std::env::temp_dir().join(format!("throughline-fuzz-disk-{}", std::process::id())));
static LISTENER: LazyLock<TcpListener> =
    LazyLock::new(|| RUNTIME.block_on(TcpListener::bind("127.0.0.1:0")).unwrap());
/// A segment that a sender wrote, with its path.
static WHOLE: LazyLock<(PathBuf, Vec<u8>)> = LazyLock::new(|| {
    let address = LISTENER.local_addr().unwrap();
    RUNTIME.block_on(async {
        let sender = start(address);
        sender.send(Request { items: 3, body: vec![0x0a, 0x00].into() });
        // Nobody answers, so it is left on disk.
        sender.close_since(sender.mark(), Duration::from_millis(100)).await.unwrap();
    });
    RUNTIME.spawn(serve());
    let path = segment(&DIRECTORY).expect("a segment");
    let bytes = fs::read(&path).unwrap();
    (path, bytes)
});

fn start(address: SocketAddr) -> Sender {
    let url = format!("http://{address}/v1/traces").parse().unwrap();
    let destination = Destination::Remote(Remote::new(Protocol::HttpProtobuf, url));
    let limits = Limits { disk: Some(Disk::new(&*DIRECTORY)), ..Limits::default() };
    Sender::start(Signal::Traces, destination, limits).unwrap()
}

/// Takes whatever comes.
async fn serve() {
    while let Ok((caller, _)) = LISTENER.accept().await {
        tokio::spawn(take(caller));
    }
}

async fn take(mut caller: TcpStream) -> Option<()> {
    caller.set_nodelay(true).ok()?;
    let (mut request, mut piece) = (Vec::new(), [0; 65_536]);
    loop {
        let count = caller.read(&mut piece).await.ok().filter(|count| *count > 0)?;
        request.extend_from_slice(&piece[..count]);
        let Some(end) = request.windows(4).position(|end| end == b"\r\n\r\n") else { continue };
        let head = String::from_utf8_lossy(&request[..end]).to_ascii_lowercase();
        let length: usize =
            head.lines().find_map(|line| line.strip_prefix("content-length: "))?.parse().ok()?;
        if request.len() >= end + 4 + length {
            request.clear();
            caller.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await.ok()?;
        }
    }
}

fn segment(directory: &Path) -> Option<PathBuf> {
    fs::read_dir(directory).ok()?.flatten().find_map(|entry| match entry.path() {
        path if path.is_dir() => segment(&path),
        path => path.extension().is_some_and(|ending| ending == "otlp").then_some(path),
    })
}

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let (path, whole) = &*WHOLE;
    let Some((choice, data)) = data.split_first() else { return };
    // Behind what is right, over it, or all of it.
    let file = match choice % 3 {
        0 => [whole, data].concat(),
        1 => whole.iter().zip(data.iter().chain(iter::repeat(&0))).map(|(one, other)| one ^ other).collect(),
        _ => data.to_vec(),
    };
    fs::write(path, file).unwrap();
    RUNTIME.block_on(async {
        let sender = start(LISTENER.local_addr().unwrap());
        let found = sender.stats();
        assert_eq!(found.recorded, found.adopted);
        // An error is what cannot be read.
        let _ = sender.close_since(sender.mark(), LIMIT).await;
        let stats = sender.stats();
        let told = stats.delivered + stats.failed + stats.dropped;
        assert_eq!((stats.recorded, stats.queued, stats.on_disk), (told, 0, 0), "{stats:?}");
    });
    while let Some(path) = segment(&DIRECTORY) {
        fs::remove_file(path).unwrap();
    }
});
