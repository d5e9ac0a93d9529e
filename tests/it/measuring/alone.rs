//! A process of its own: what is measured is what the system says.

use crate::support::{
    child::Process,
    receiver::{Decoded, Receiver, attributes},
};
use opentelemetry_proto::tonic::metrics::v1::{Metric, metric::Data, number_data_point::Value};
use std::{
    collections::{BTreeMap, BTreeSet},
    fs, thread,
    time::{Duration, Instant},
};
use throughline::{Config, Telemetry, testing};

const MIB: u64 = 1 << 20;

fn file(path: &str) -> String {
    fs::read_to_string(path).unwrap()
}

fn status(key: &str) -> u64 {
    let status = file("/proc/self/status");
    let line = status.lines().find_map(|line| line.strip_prefix(key)).unwrap();
    line.trim_start_matches(':').split_whitespace().next().unwrap().parse().unwrap()
}

/// A field of `/proc/self/stat`, counted as its manual does.
fn stat(field: usize) -> u64 {
    let stat = file("/proc/self/stat");
    let (_, fields) = stat.rsplit_once(')').unwrap();
    fields.split_whitespace().nth(field - 3).unwrap().parse().unwrap()
}

fn io(key: &str) -> u64 {
    let io = file("/proc/self/io");
    io.lines().find_map(|line| line.strip_prefix(key)).unwrap().trim().parse().unwrap()
}

/// Nothing else runs in this process.
#[cfg(target_os = "linux")]
#[test]
#[ignore = "a process of its own, started by the test below"]
fn process() {
    let start = Instant::now();
    // Threads that have ended by then, and that rested many times, before there is telemetry.
    let rest = || (0..50).for_each(|_| thread::sleep(Duration::from_micros(500)));
    let threads: Vec<_> = (0..8).map(|_| thread::spawn(rest)).collect();
    threads.into_iter().for_each(|thread| thread.join().unwrap());
    let telemetry = testing::telemetry_with(Config::from_vars([("THROUGHLINE_RUNTIME_METRICS", "true")]));
    let memory = std::hint::black_box(vec![1_u8; 64 * MIB as usize]);
    let files: Vec<_> = (0..30).map(|_| fs::File::open("/proc/self/status").unwrap()).collect();
    telemetry.recorded_blocking(); // makes the threads that a collection needs
    let path = std::env::temp_dir().join(format!("throughline-{}-io", std::process::id()));
    fs::write(&path, &memory[..MIB as usize]).unwrap();
    let faults = |field| stat(field) as f64;
    let before = [faults(10), faults(12), (stat(14) + stat(15)) as f64, io("write_bytes:") as f64];
    let (switches, resident) = (status("voluntary_ctxt_switches"), status("VmRSS"));
    let elapsed = start.elapsed().as_secs_f64();
    // A thread that was joined is told for a moment more, so one collection may be of more threads than the next.
    let counts = || (status("Threads"), fs::read_dir("/proc/self/fd").unwrap().count() - 1);
    let calm = (0..100).find_map(|_| {
        let (before, metrics) = (counts(), telemetry.recorded_blocking().metrics);
        (before == counts()).then_some((before, metrics))
    });
    let ((threads, descriptors), metrics) = calm.expect("threads or files come and go");
    let after = [faults(10), faults(12), (stat(14) + stat(15)) as f64, io("write_bytes:") as f64];
    fs::remove_file(&path).unwrap();

    let one = |name: &str| metrics.one(name).sum();
    let of = |name: &str, key: &str, value: &str| metrics.one(name).with(key, value).sum();
    // A reading of ours lies between two of the test's. Ticks are hundredths, told as whole ones.
    let within = |name: &str, value: f64, number: usize, slack: f64| {
        let (least, most) = (before[number] - slack, after[number] + slack);
        assert!((least..=most).contains(&value), "{name}: {value} is not from {least} to {most}");
    };
    let faults = |kind| of("process.paging.faults", "system.paging.fault.type", kind);
    within("minor faults", faults("minor"), 0, 0.0);
    within("major faults", faults("major"), 1, 0.0);
    within("cpu time", one("process.cpu.time") * 100.0, 2, 2.0);
    within("written", of("process.disk.io", "disk.io.direction", "write"), 3, 0.0);
    assert!(one("process.cpu.time") > 0.0);

    let memory_usage = one("process.memory.usage");
    let peak = (status("VmHWM") * 1024) as f64;
    assert!(memory_usage >= (64 * MIB) as f64 && memory_usage <= peak, "{memory_usage}");
    let told = resident as f64 * 1024.0;
    assert!((memory_usage - told).abs() <= (8 * MIB) as f64, "{memory_usage}, not {told}");
    let virtual_memory = one("process.memory.virtual");
    assert!((memory_usage..=(status("VmPeak") * 1024) as f64).contains(&virtual_memory));
    assert_eq!(one("process.thread.count"), threads as f64);
    assert_eq!(one("process.unix.file_descriptor.count"), descriptors as f64);
    // The main thread alone, which is what `/proc/self/status` tells, did not rest so often.
    let voluntary = of("process.context_switches", "process.context_switch.type", "voluntary");
    assert!(voluntary >= 400.0 && switches < 400, "{voluntary}, and of the first thread {switches}");
    // From the start of the process, which was before that of the test. The system tells it in hundredths.
    let uptime = one("process.uptime");
    assert!(
        (elapsed - 0.01..elapsed + 60.0).contains(&uptime),
        "{uptime}, of which the test knows {elapsed}"
    );
    drop((memory, files));
}

// H-121
#[cfg(target_os = "linux")]
#[tokio::test]
async fn what_is_measured_is_what_the_system_says() {
    let mut process = Process::this_test("measuring::alone::process", &[]);
    assert!(process.ended().await.success(), "{:#?}", process.lines());
}

#[tokio::test]
#[ignore = "a process of its own, started by the test below"]
async fn program() {
    let telemetry = Telemetry::init(Config::from_env()).unwrap();
    telemetry.shutdown(Duration::from_secs(30)).await.unwrap();
}

fn numbers(metric: &Metric) -> Vec<(BTreeMap<String, String>, f64)> {
    let points = match metric.data.clone() {
        Some(Data::Sum(sum)) => sum.data_points,
        Some(Data::Gauge(gauge)) => gauge.data_points,
        _ => vec![],
    };
    let number = |value| match value {
        Some(Value::AsInt(value)) => value as f64,
        Some(Value::AsDouble(value)) => value,
        None => f64::NAN,
    };
    points.into_iter().map(|point| (attributes(&point.attributes), number(point.value))).collect()
}

// H-120, H-121: by default, with the version of the scope, and not by other words.
#[tokio::test]
async fn a_program_is_measured_without_a_word_unless_it_says_otherwise() {
    for (variables, measures) in [
        (vec![], true),
        (vec![("THROUGHLINE_RUNTIME_METRICS", "false")], false),
        (vec![("OTEL_SDK_DISABLED", "true")], false),
        (vec![("OTEL_METRICS_EXPORTER", "none")], false),
    ] {
        let receiver = Receiver::start();
        let endpoint = receiver.http_endpoint();
        let variables = [&[("OTEL_EXPORTER_OTLP_ENDPOINT", &*endpoint)][..], &variables].concat();
        let mut process = Process::this_test("measuring::alone::program", &variables);
        assert!(process.ended().await.success(), "{:#?}", process.lines());
        let told: BTreeSet<String> = receiver
            .metrics()
            .iter()
            .filter(|(_, metric)| numbers(metric).iter().all(|(_, value)| *value >= 0.0))
            .map(|(_, metric)| metric.name.split('.').next().unwrap().to_owned())
            .collect();
        let expected = if measures { vec!["process".to_owned(), "tokio".to_owned()] } else { vec![] };
        assert_eq!(told, expected.into_iter().collect(), "{variables:?}");
    }
}
