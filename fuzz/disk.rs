//! Throws files at the queue on disk: what a start finds in them is sent or lost, and counted, to the last item. How: see
//! variables.rs.

#![no_main]

use bytes::Bytes;
use std::{
    fs, iter,
    path::{Path, PathBuf},
    sync::{
        LazyLock,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use throughline_sender::{Accept, Answer, Destination, Disk, Inlet, Limits, Request, Sender, Signal};
use tokio::runtime::{Builder, Runtime};

const LIMIT: Duration = Duration::from_secs(20);

/// Takes all, once it is open.
struct Door(AtomicBool);

static DOOR: Door = Door(AtomicBool::new(false));

impl Accept for &'static Door {
    fn accept(&self, _: Signal, _: Bytes) -> Answer {
        match self.0.load(Ordering::Relaxed) {
            true => Answer::Taken { rejected: 0, message: String::new() },
            false => Answer::Busy { cause: "closed".into(), after: None },
        }
    }
}

static RUNTIME: LazyLock<Runtime> =
    LazyLock::new(|| Builder::new_current_thread().enable_all().build().unwrap());
static DIRECTORY: LazyLock<PathBuf> =
    LazyLock::new(|| std::env::temp_dir().join(format!("throughline-fuzz-disk-{}", std::process::id())));
/// A segment that a sender wrote, with its path.
static WHOLE: LazyLock<(PathBuf, Vec<u8>)> = LazyLock::new(|| {
    RUNTIME.block_on(async {
        let sender = start();
        sender.send(Request { items: 3, body: vec![0x0a, 0x00].into() });
        // Nobody takes it, so it is left on disk.
        sender.close_since(sender.mark(), Duration::from_millis(100)).await.unwrap();
    });
    DOOR.0.store(true, Ordering::Relaxed);
    let path = segment(&DIRECTORY).expect("a segment");
    let bytes = fs::read(&path).unwrap();
    (path, bytes)
});

fn start() -> Sender {
    let limits = Limits { disk: Some(Disk::new(&*DIRECTORY)), ..Limits::default() };
    Sender::start(Signal::Traces, Destination::Local(Inlet::named("door", &DOOR)), limits).unwrap()
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
        let sender = start();
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
