//! Throws requests at a collector that changes everything in them: what goes on is a request again. How: see variables.rs.

#![no_main]

use bytes::Bytes;
use std::{
    sync::{
        LazyLock, Mutex,
        mpsc::{Receiver, SyncSender, sync_channel},
    },
    time::Duration,
};
use throughline_collector::{
    Action, Collector, Config, Context, Counters, Destination, Kind, Place, Processor, Value,
};
use throughline_sender::{Accept, Answer, Inlet, Signal, json::to_json};

/// Hands on what it gets.
struct Sink(SyncSender<Bytes>);

impl Accept for Sink {
    fn accept(&self, _: Signal, request: Bytes) -> Answer {
        let _ = self.0.send(request);
        Answer::TAKEN
    }
}

static COLLECTOR: LazyLock<(Collector, Mutex<Receiver<Bytes>>)> = LazyLock::new(|| {
    let mut config = Config::default();
    (config.grpc, config.http, config.view, config.max_bytes) = (None, None, None, 0);
    config.batch.delay = Duration::ZERO;
    let context = Value::ContextOr(Context::User, Box::new(Value::Int(7)));
    let actions = [
        Action::Insert("inserted".into(), context),
        Action::Update("a".into(), Value::Attribute("b".into())),
        Action::Upsert("c".into(), Value::Text("text".repeat(40))),
        Action::DeleteMatching("^d".into()),
        Action::Hash("e".into()),
        Action::Extract("f".into(), "(?P<g>[a-z]+)-(?P<h>[0-9]+)".into()),
        Action::Convert("i".into(), Kind::Double),
    ];
    let places = [Place::Resource, Place::Scope, Place::Items, Place::Events, Place::Links];
    config.processors = places.map(|place| Processor::at(place, actions.clone())).into();
    let (sender, receiver) = sync_channel(16);
    let inlet = Inlet::named("sink", Sink(sender));
    for signal in Signal::ALL {
        config.destinations.add(signal, Destination::Local(inlet.clone()));
    }
    (Collector::start(config).unwrap(), Mutex::new(receiver))
});

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let Some((signal, request)) = data.split_first() else { return };
    let signal = Signal::ALL[usize::from(*signal) % Signal::ALL.len()];
    let (collector, changed) = &*COLLECTOR;
    let before = collector.counters();
    let Answer::Taken { .. } = collector.inlet().accept(signal, request.to_vec().into()) else { return };
    let after = collector.counters();
    let items = |counters: &Counters| counters.spans + counters.data_points + counters.log_records;
    if items(&after) == items(&before) {
        return;
    }
    let changed = changed.lock().unwrap().recv_timeout(Duration::from_secs(60)).unwrap();
    to_json(signal, &changed).unwrap();
});
