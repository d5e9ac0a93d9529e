//! A callback that panics or blocks costs nobody but itself.

use crate::support::{
    PATIENCE,
    receiver::{Decoded, Receiver},
    until,
};
use opentelemetry::{KeyValue, metrics::MeterProvider};
use std::{
    collections::BTreeSet,
    sync::{
        Arc, Condvar, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};
use throughline::{Config, Telemetry, sender::Signal};

fn build(receiver: &Receiver, more: &[(&str, &str)]) -> Telemetry {
    let endpoint = receiver.http_endpoint();
    let vars = [("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint.as_str()), ("RUST_LOG", "off")];
    Telemetry::build(Config::from_vars([&vars, more].concat())).unwrap()
}

/// The names of the metrics of each request, in order.
fn told(receiver: &Receiver) -> Vec<BTreeSet<String>> {
    use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
    use prost::Message;
    let names = |body| {
        let request = ExportMetricsServiceRequest::decode(body).unwrap();
        let scopes = request.resource_metrics.into_iter().flat_map(|of| of.scope_metrics);
        scopes.flat_map(|of| of.metrics).map(|metric| metric.name).collect()
    };
    receiver.bodies(Signal::Metrics).into_iter().map(names).collect()
}

fn names<const N: usize>(names: [&str; N]) -> BTreeSet<String> {
    names.map(String::from).into()
}

fn last_failure(telemetry: &Telemetry) -> Option<String> {
    let stats = telemetry.handle().stats();
    stats.into_iter().find(|stats| stats.signal == Signal::Metrics).unwrap().last_failure
}

/// A gate that callbacks wait at.
#[derive(Clone, Default)]
struct Gate(Arc<(Mutex<bool>, Condvar)>);

impl Gate {
    fn open(&self) {
        *self.0.0.lock().unwrap() = true;
        self.0.1.notify_all();
    }

    fn pass(&self) {
        let closed = self.0.0.lock().unwrap();
        drop(self.0.1.wait_timeout_while(closed, PATIENCE, |open| !*open).unwrap());
    }
}

#[tokio::test]
async fn one_that_panics_loses_what_it_observed_and_nothing_else() {
    let receiver = Receiver::start();
    let telemetry = build(&receiver, &[]);
    let meter = telemetry.meter_provider().meter("test");
    let calls = Arc::new(AtomicUsize::new(0));
    let counted = calls.clone();
    let fragile = meter.u64_observable_gauge("fragile").with_callback(move |observer| {
        observer.observe(1, &[]);
        assert!(counted.fetch_add(1, Ordering::Relaxed) == 1, "but for the second time\u{1b}[31m");
    });
    fragile.build();
    meter.i64_observable_up_down_counter("sound").with_callback(|observer| observer.observe(2, &[])).build();
    meter.u64_counter("counted").build().add(1, &[]);
    for _ in 0..3 {
        telemetry.handle().flush(PATIENCE).await.unwrap();
    }
    // Instruments can still be made, which the SDK alone would refuse from then on.
    meter.u64_counter("later").build().add(1, &[]);
    telemetry.handle().flush(PATIENCE).await.unwrap();
    let failure = last_failure(&telemetry).unwrap();
    let words = r#"metrics: the callback of "fragile" panicked ("but for the second time\u{1b}[31m"): what it measures is missing"#;
    assert_eq!(failure, words);
    telemetry.shutdown(PATIENCE).await.unwrap();
    let (without, with) = (names(["counted", "sound"]), names(["counted", "fragile", "sound"]));
    let later = names(["counted", "later", "sound"]);
    assert_eq!(told(&receiver), [without.clone(), with, without, later.clone(), later]);
    assert_eq!(calls.load(Ordering::Relaxed), 5);
}

// E-11
#[tokio::test]
async fn one_that_blocks_is_left_and_asked_again_when_it_is_back() {
    let receiver = Receiver::start();
    let telemetry = build(&receiver, &[("OTEL_METRIC_EXPORT_TIMEOUT", "400")]);
    let meter = telemetry.meter_provider().meter("test");
    let (gate, calls) = (Gate::default(), Arc::new(AtomicUsize::new(0)));
    let (inner, counted) = (gate.clone(), calls.clone());
    let slow = meter.f64_observable_gauge("slow").with_callback(move |observer| {
        if counted.fetch_add(1, Ordering::Relaxed) > 0 {
            inner.pass();
        }
        observer.observe(1.0, &[]);
    });
    slow.build();
    meter.u64_observable_counter("quick").with_callback(|observer| observer.observe(2, &[])).build();
    for _ in 0..3 {
        telemetry.handle().flush(PATIENCE).await.unwrap();
    }
    assert_eq!(calls.load(Ordering::Relaxed), 2, "the second one is under way");
    let failure = last_failure(&telemetry).unwrap();
    let words = r#"metrics: the callback of "slow" has not come back within "#;
    assert!(
        failure.starts_with(words) && failure.ends_with(": what it measures is missing until it has"),
        "{failure}"
    );
    assert_eq!(told(&receiver), [names(["quick", "slow"]), names(["quick"]), names(["quick"])]);
    gate.open();
    until("the one that was slow", || async {
        telemetry.handle().flush(PATIENCE).await.unwrap();
        told(&receiver).last().filter(|last| **last == names(["quick", "slow"])).map(drop)
    })
    .await;
    assert_eq!(last_failure(&telemetry).unwrap(), failure, "it is said once");
    telemetry.shutdown(PATIENCE).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_that_blocks_keeps_neither_limit_nor_the_other_signals_nor_what_is_measured_else_from_the_shutdown()
 {
    for (blocking, interval) in [(true, "60000"), (false, "60000"), (false, "1")] {
        let receiver = Receiver::start();
        let telemetry = build(&receiver, &[("OTEL_METRIC_EXPORT_INTERVAL", interval)]);
        let meter = telemetry.meter_provider().meter("test");
        let (gate, is_called) = (Gate::default(), Arc::new(AtomicBool::new(false)));
        for name in ["slow", "slower"] {
            let (inner, called) = (gate.clone(), is_called.clone());
            let slow = meter.u64_observable_gauge(name).with_callback(move |_| {
                called.store(true, Ordering::Relaxed);
                inner.pass();
            });
            slow.build();
        }
        let orders = meter.u64_counter("orders").build();
        if interval == "1" {
            // The collection that is under way has all the patience of the default.
            until("a collection", || async { is_called.load(Ordering::Relaxed).then_some(()) }).await;
        }
        orders.add(1, &[]);
        crate::lifecycle::record(&telemetry);
        let (limit, start) = (Duration::from_secs(4), Instant::now());
        match blocking {
            true => telemetry.shutdown_blocking(limit).unwrap(),
            false => telemetry.shutdown(limit).await.unwrap(),
        }
        assert!(start.elapsed() < limit, "{:?}", start.elapsed());
        assert_eq!(receiver.spans().len(), 1);
        assert_eq!(told(&receiver).last(), Some(&names(["orders"])));
        gate.open();
    }
}

// The SDK calls callbacks while it holds a lock that instruments are made under.
#[tokio::test]
async fn one_that_makes_instruments_or_blocks_keeps_nobody_from_making_them() {
    let receiver = Receiver::start();
    let telemetry = build(&receiver, &[]);
    let (meter, gate) = (telemetry.meter_provider().meter("test"), Gate::default());
    let is_called = Arc::new(AtomicBool::new(false));
    let (inner, own, called) = (gate.clone(), meter.clone(), is_called.clone());
    let making = meter.u64_observable_gauge("making").with_callback(move |observer| {
        own.u64_counter("made").build().add(1, &[]);
        observer.observe(1, &[]);
        called.store(true, Ordering::Relaxed);
        inner.pass();
    });
    making.build();
    let handle = telemetry.handle();
    let flush = tokio::spawn(async move { handle.flush(PATIENCE).await });
    until("the callback", || async { is_called.load(Ordering::Relaxed).then_some(()) }).await;
    meter.u64_counter("beside").build().add(1, &[]);
    gate.open();
    flush.await.unwrap().unwrap();
    assert_eq!(told(&receiver), [names(["beside", "made", "making"])]);
    telemetry.shutdown(PATIENCE).await.unwrap();
}

#[tokio::test]
async fn one_that_never_ends_to_observe_is_cut_off_and_named() {
    let receiver = Receiver::start();
    let telemetry = build(&receiver, &[]);
    let meter = telemetry.meter_provider().meter("test");
    let endless = meter.u64_observable_gauge("endless").with_callback(|observer| {
        (0..100_000).for_each(|number| observer.observe(1, &[KeyValue::new("number", number)]));
    });
    endless.build();
    telemetry.handle().flush(PATIENCE).await.unwrap();
    let words = r#"metrics: the callback of "endless" observed more than 65536 series: the rest is missing"#;
    assert_eq!(last_failure(&telemetry).as_deref(), Some(words));
    telemetry.shutdown(PATIENCE).await.unwrap();
}
