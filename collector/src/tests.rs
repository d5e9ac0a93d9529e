use super::*;
use std::{
    io::{Read, Write},
    net::TcpStream,
    sync::atomic::{AtomicUsize, Ordering::SeqCst},
};
use tracing::{Event, Metadata, Subscriber, span};

static SEEN: AtomicUsize = AtomicUsize::new(0);

/// Counts whatever is traced anywhere in the process.
struct Count;

impl Subscriber for Count {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }
    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        SEEN.fetch_add(1, SeqCst);
        span::Id::from_u64(1)
    }
    fn event(&self, _: &Event<'_>) {
        SEEN.fetch_add(1, SeqCst);
    }
    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}
    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}
    fn enter(&self, _: &span::Id) {}
    fn exit(&self, _: &span::Id) {}
}

// The one test of this binary that needs a subscriber for all threads; nothing else here traces.
#[test]
#[expect(clippy::disallowed_methods)]
fn the_collector_never_traces_itself() {
    tracing::subscriber::set_global_default(Count).unwrap();
    tracing::info!("counted");
    assert_eq!(SEEN.load(SeqCst), 1);
    let any = Some(SocketAddr::from(([127, 0, 0, 1], 0)));
    let config = Config { grpc: any, http: any, view: any, ..Config::default() };
    let collector = Collector::start(config).unwrap();
    assert!(find(collector.view_address().unwrap()).is_some());
    let mut stream = TcpStream::connect(collector.grpc_address().unwrap()).unwrap();
    // The preface of HTTP/2 and empty settings: the implementation traces every frame.
    stream.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0").unwrap();
    let mut settings = [0; 9];
    stream.read_exact(&mut settings).unwrap();
    assert_eq!(settings[3], 4);
    collector.stop_blocking(std::time::Duration::ZERO).unwrap();
    assert_eq!(SEEN.load(SeqCst), 1);
}
