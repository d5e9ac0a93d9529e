//! What goes wrong on a collector's own thread is heard by the program, though `tracing` is turned off there.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on has failed")]

use std::{
    fmt::Debug,
    fs,
    sync::Mutex,
    thread::sleep,
    time::{Duration, Instant},
};
use throughline_collector::{Collector, Config, Destination};
use throughline_sender::{Answer, Credentials, Protocol, Remote, Secret, Signal};
use tracing::{Event, Level, Metadata, Subscriber, field, span};

/// A span of a trace.
fn request() -> Vec<u8> {
    let field = |number: u8, content: &[u8]| [&[number << 3 | 2, content.len() as u8][..], content].concat();
    field(1, &field(2, &field(2, &[field(1, &[7; 16]), field(2, &[7; 8])].concat())))
}

/// Level, target and words of the first that was told with these words in it.
fn told(words: &str) -> (Level, String, String) {
    let limit = Instant::now() + Duration::from_secs(30);
    loop {
        let all = TOLD.lock().unwrap().clone();
        if let Some(one) = all.iter().find(|(.., text)| text.contains(words)) {
            return one.clone();
        }
        assert!(Instant::now() < limit, "{words:?} is not in {all:?}");
        sleep(Duration::from_millis(5));
    }
}

#[test]
#[expect(clippy::disallowed_methods, reason = "what is told on a thread of the collector's own")]
fn a_destination_that_fails_and_a_secret_that_is_gone_are_told_to_the_program() {
    tracing::subscriber::set_global_default(Watch).unwrap();
    let path = std::env::temp_dir().join(format!("throughline-saying-{}", std::process::id()));
    fs::write(&path, "first").unwrap();
    // Nobody listens there.
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let url = format!("http://{free}/v1/traces");
    let mut remote = Remote::new(Protocol::HttpProtobuf, url.parse().unwrap());
    remote.credentials = Some(Credentials::Bearer(Secret::file(&path)));
    let mut config = Config::default();
    (config.grpc, config.http, config.view) = (None, None, None);
    config.batch.delay = Duration::from_millis(1);
    config.destinations.add(Signal::Traces, Destination::Remote(remote));
    let collector = Collector::start(config).unwrap();
    fs::remove_file(&path).unwrap();
    assert_eq!(collector.inlet().accept(Signal::Traces, request().into()), Answer::TAKEN);

    let (level, target, words) = told("what was read before stays in use");
    assert_eq!((level, target.as_str()), (Level::WARN, "throughline"));
    assert!(words.starts_with(&format!("{url}: {}: ", path.display())), "{words}");
    let (level, target, words) = told("cannot reach");
    assert_eq!((level, target.as_str()), (Level::WARN, "throughline::destination"));
    assert!(words.starts_with(&format!("traces: cannot reach {url}: ")), "{words}");
}

/// What was told, by anybody in the process.
static TOLD: Mutex<Vec<(Level, String, String)>> = Mutex::new(Vec::new());

struct Watch;

impl Subscriber for Watch {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }
    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }
    fn event(&self, event: &Event<'_>) {
        struct Message(String);
        impl field::Visit for Message {
            fn record_debug(&mut self, field: &field::Field, value: &dyn Debug) {
                if field.name() == "message" {
                    self.0 = format!("{value:?}");
                }
            }
        }
        let mut message = Message(String::new());
        event.record(&mut message);
        let (level, target) = (*event.metadata().level(), event.metadata().target().to_owned());
        TOLD.lock().unwrap().push((level, target, message.0));
    }
    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}
    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}
    fn enter(&self, _: &span::Id) {}
    fn exit(&self, _: &span::Id) {}
}
