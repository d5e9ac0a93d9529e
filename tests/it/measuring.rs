//! The process and its runtime are measured, by the names of the standard, and nothing is kept alive or woken for it.

mod alone; // in a process of its own: the system's own numbers

use crate::support::{
    PATIENCE,
    child::Process,
    get,
    receiver::{Decoded, Receiver},
    until,
};
use opentelemetry_proto::tonic::metrics::v1::{Metric, metric::Data};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};
use throughline::{Config, Telemetry, testing};

type Series = BTreeSet<Vec<String>>;

/// Name, unit and kind of each metric of this scope, with the attributes of its series.
fn shapes(metrics: &testing::Metrics) -> BTreeMap<String, (String, &'static str, Series)> {
    let shape = |metric: &testing::Metric| {
        let series = metric.points.iter().map(|point| {
            point.attributes.iter().map(|(key, value)| format!("{key}={value}")).collect::<Vec<_>>()
        });
        (metric.name.clone(), (metric.unit.clone(), metric.kind, series.collect()))
    };
    metrics.iter().map(shape).collect()
}

fn of_process() -> Vec<(&'static str, &'static str, &'static str, Vec<Vec<String>>)> {
    let two = |key: &str, one: &str, other: &str| {
        vec![vec![format!("{key}={one:?}")], vec![format!("{key}={other:?}")]]
    };
    let alone = || vec![vec![]];
    vec![
        (
            "process.context_switches",
            "{context_switch}",
            "counter",
            two("process.context_switch.type", "voluntary", "involuntary"),
        ),
        ("process.cpu.time", "s", "counter", two("cpu.mode", "user", "system")),
        ("process.disk.io", "By", "counter", two("disk.io.direction", "read", "write")),
        ("process.memory.usage", "By", "up-down counter", alone()),
        ("process.memory.virtual", "By", "up-down counter", alone()),
        ("process.paging.faults", "{fault}", "counter", two("system.paging.fault.type", "minor", "major")),
        ("process.thread.count", "{thread}", "up-down counter", alone()),
        ("process.unix.file_descriptor.count", "{file_descriptor}", "up-down counter", alone()),
        ("process.uptime", "s", "gauge", alone()),
    ]
}

fn of_runtimes(
    runtimes: &[(&str, Option<&str>, usize)],
) -> Vec<(&'static str, &'static str, &'static str, Vec<Vec<String>>)> {
    let named = |id: &str, name: Option<&str>| {
        let name = name.map(|name| format!("tokio.runtime.name={name:?}"));
        [format!("tokio.runtime.id={id:?}")].into_iter().chain(name).collect::<Vec<_>>()
    };
    let each: Vec<Vec<String>> = runtimes.iter().map(|(id, name, _)| named(id, *name)).collect();
    let workers = runtimes.iter().flat_map(|(id, name, workers)| {
        (0..*workers)
            .map(move |worker| [named(id, *name), vec![format!("tokio.worker.index={worker}")]].concat())
    });
    let workers: Vec<Vec<String>> = workers.collect();
    let unstable = if cfg!(tokio_unstable) { of_unstable(&each, &workers) } else { Vec::new() };
    let mut rows = vec![
        ("tokio.alive_tasks", "{task}", "up-down counter", each.clone()),
        ("tokio.global_queue_depth", "{task}", "up-down counter", each.clone()),
        ("tokio.worker.busy_duration", "s", "counter", workers.clone()),
        ("tokio.worker.park_count", "{park}", "counter", workers),
        ("tokio.workers", "{worker}", "up-down counter", each),
    ];
    rows.extend(unstable);
    rows
}

/// What a program tells besides that is compiled with `--cfg tokio_unstable`.
fn of_unstable(
    each: &[Vec<String>],
    workers: &[Vec<String>],
) -> Vec<(&'static str, &'static str, &'static str, Vec<Vec<String>>)> {
    let level = |name, unit| (name, unit, "up-down counter", each.to_vec());
    let count = |name, unit| (name, unit, "counter", each.to_vec());
    let of_worker = |name, unit| (name, unit, "counter", workers.to_vec());
    vec![
        level("tokio.blocking_threads", "{thread}"),
        level("tokio.idle_blocking_threads", "{thread}"),
        level("tokio.blocking_queue_depth", "{task}"),
        count("tokio.spawned_tasks_count", "{task}"),
        count("tokio.remote_schedules", "{task}"),
        count("tokio.budget_forced_yields", "{yield}"),
        ("tokio.worker.local_queue_depth", "{task}", "up-down counter", workers.to_vec()),
        of_worker("tokio.worker.noops", "{operation}"),
        of_worker("tokio.worker.polls", "{poll}"),
        of_worker("tokio.worker.task_steals", "{task}"),
        of_worker("tokio.worker.steal_operations", "{operation}"),
        of_worker("tokio.worker.local_schedules", "{task}"),
        of_worker("tokio.worker.overflows", "{operation}"),
    ]
}

fn expected(
    rows: impl IntoIterator<Item = (&'static str, &'static str, &'static str, Vec<Vec<String>>)>,
) -> BTreeMap<String, (String, &'static str, Series)> {
    rows.into_iter()
        .map(|(name, unit, kind, series)| {
            (name.to_owned(), (unit.to_owned(), kind, series.into_iter().collect()))
        })
        .collect()
}

fn measured() -> Config {
    Config::from_vars([("THROUGHLINE_RUNTIME_METRICS", "true"), ("RUST_LOG", "off")])
}

// H-120, H-121
#[cfg(target_os = "linux")]
#[tokio::test]
async fn the_process_and_its_runtime_have_the_names_units_and_kinds_of_the_standard() {
    let telemetry = testing::telemetry_with(measured());
    let id = tokio::runtime::Handle::current().id().to_string();
    let metrics = telemetry.metrics().await;
    let rows = of_process().into_iter().chain(of_runtimes(&[(&id, None, 1)]));
    assert_eq!(shapes(&metrics), expected(rows));
    let scopes: BTreeSet<&str> = metrics.iter().map(|metric| metric.scope.as_str()).collect();
    assert_eq!(scopes, ["throughline.runtime"].into());
    let page = include_str!("../../docs/metrics.md");
    for metric in metrics.iter() {
        let row = format!("| `{}` | {}, `{}` |", metric.name, metric.kind, metric.unit);
        assert!(page.contains(&row), "docs/metrics.md has no row {row}");
    }
}

#[tokio::test]
async fn telemetry_that_is_not_the_programs_measures_only_what_it_is_told_to() {
    let telemetry = testing::telemetry();
    assert_eq!(telemetry.metrics().await.len(), 0);
    let (off, disabled) = ("THROUGHLINE_RUNTIME_METRICS", "OTEL_SDK_DISABLED");
    for vars in [vec![(off, "false")], vec![(disabled, "true"), (off, "true")]] {
        let telemetry = testing::telemetry_with(Config::from_vars(vars));
        assert_eq!(telemetry.metrics().await.len(), 0);
    }
}

// H-120
#[test]
fn several_runtimes_are_told_apart_and_none_is_kept_alive() {
    let telemetry = testing::telemetry(); // made in no runtime
    let build = |workers| {
        let mut builder = tokio::runtime::Builder::new_multi_thread();
        builder.worker_threads(workers).build().unwrap()
    };
    let (one, two) = (build(1), build(2));
    let ids = [&one, &two].map(|runtime| runtime.handle().id().to_string());
    telemetry.measure_runtime("one", one.handle());
    telemetry.measure_runtime("two", two.handle());
    telemetry.measure_runtime("again", two.handle()); // is measured already
    let alive = Arc::new(());
    let inside = alive.clone();
    two.spawn(async move {
        let _inside = inside;
        std::future::pending::<()>().await;
    });
    let value =
        |metrics: &testing::Metrics, name: &str| metrics.one(name).with("tokio.runtime.name", "two").sum();
    let metrics = telemetry.recorded_blocking().metrics;
    let rows = of_runtimes(&[(&ids[0], Some("one"), 1), (&ids[1], Some("two"), 2)]);
    assert_eq!(shapes(&metrics), expected(rows));
    assert_eq!((value(&metrics, "tokio.workers"), value(&metrics, "tokio.alive_tasks")), (2.0, 1.0));
    drop(two);
    assert_eq!(Arc::strong_count(&alive), 1, "the runtime has dropped its task");
    let metrics = telemetry.recorded_blocking().metrics;
    assert_eq!((value(&metrics, "tokio.workers"), value(&metrics, "tokio.alive_tasks")), (2.0, 0.0));
    let parked = metrics.one("tokio.worker.park_count").with("tokio.runtime.name", "one").sum();
    assert!(parked >= 1.0 && one.metrics().worker_park_count(0) as f64 >= parked, "{parked}");
}

#[tokio::test]
async fn two_in_one_process_measure_it_each_for_itself() {
    let one = testing::telemetry_with(measured());
    let metrics = one.metrics().await;
    let other = testing::telemetry_with(measured());
    assert_eq!(shapes(&other.metrics().await), shapes(&metrics));
    drop(one);
    assert_eq!(shapes(&other.metrics().await), shapes(&metrics));
}

fn count(metric: &Metric) -> u64 {
    match &metric.data {
        Some(Data::Histogram(histogram)) => histogram.data_points.iter().map(|point| point.count).sum(),
        _ => 0,
    }
}

// Issue: the last requests before SIGTERM are in the last export. O-102
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_last_requests_before_the_end_are_in_the_last_export() {
    let receiver = Receiver::start();
    let endpoint = receiver.http_endpoint();
    // An interval longer than the test: what arrives after the start arrives because of the shutdown.
    let variables = [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint.as_str()),
        ("OTEL_METRIC_EXPORT_INTERVAL", "3600000"),
        ("OTEL_TRACES_EXPORTER", "none"),
        ("RUST_LOG", "warn"),
    ];
    let mut chain = Process::example("chain", &["127.0.0.1:0"], &variables);
    let url = chain.line(&["GET http://", "answered 200"]).await.split(' ').nth(1).unwrap().to_owned();
    chain.line(&["stop with"]).await;
    let answered = Arc::new(AtomicUsize::new(1)); // the example's own
    let callers = (0..4).map(|_| {
        let (url, answered) = (url.clone(), answered.clone());
        tokio::spawn(async move {
            // Ends when the service no longer answers.
            for _ in 0..100_000_u32 {
                match get(&url, &[]).await {
                    Ok((200, _)) => answered.fetch_add(1, Ordering::Relaxed),
                    _ => return,
                };
            }
        })
    });
    let callers: Vec<_> = callers.collect();
    until("some load", || async { (answered.load(Ordering::Relaxed) > 100).then_some(()) }).await;
    chain.terminate();
    assert!(chain.ended().await.success(), "{:#?}", chain.lines());
    for caller in callers {
        caller.await.unwrap();
    }
    let told = |service: &str, name: &str| {
        let of = receiver.metrics().into_iter().filter(|(resource, metric)| {
            crate::support::receiver::service(resource) == service && metric.name == name
        });
        of.map(|(_, metric)| count(&metric)).max().unwrap_or_default()
    };
    let answered = answered.load(Ordering::Relaxed) as u64;
    let served = told("front", "http.server.request.duration");
    // A call may have been served whose answer no caller saw.
    assert!((answered..=answered + 4).contains(&served), "{served} of {answered}");
    assert_eq!(told("front", "http.client.request.duration"), served);
    assert_eq!(told("back", "http.server.request.duration"), served);
}

// E-11
#[tokio::test]
async fn an_interval_of_zero_or_garbage_is_no_storm() {
    for value in ["0", "-1", "1e3", "soon", "18446744073709551616"] {
        let receiver = Receiver::start();
        let endpoint = receiver.http_endpoint();
        let config = Config::from_vars([
            ("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint.as_str()),
            ("OTEL_METRIC_EXPORT_INTERVAL", value),
            ("OTEL_METRIC_EXPORT_TIMEOUT", value),
            ("THROUGHLINE_RUNTIME_METRICS", "true"),
        ]);
        let faults: Vec<&str> = config.faults().iter().map(|fault| fault.variable.as_str()).collect();
        // 0 is a timeout: none.
        let told = if value == "0" { 1 } else { 2 };
        assert_eq!(faults.len(), told, "{value}: {faults:?}");
        assert_eq!(config.measurements.callback_limit.as_secs(), 30, "{value}");
        let telemetry = Telemetry::build(config).unwrap();
        telemetry.shutdown(PATIENCE).await.unwrap();
        assert_eq!(receiver.requests().len(), 1, "{value}");
    }
}
