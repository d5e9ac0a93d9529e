//! A service that is killed in an outage: what was on disk arrives with the next start, without a hole.

use super::{Directory, config, of};
use crate::{
    delivery::counts,
    support::{
        PATIENCE,
        child::Process,
        receiver::{Decoded, Receiver},
        until,
    },
};
use opentelemetry::trace::{Tracer, TracerProvider};
use std::{env, thread, time::Duration};
use throughline::{Config, Telemetry, sender::Signal, testing::Fault};

const DIRECTORY: &str = "THROUGHLINE_TEST_DIRECTORY";

#[test]
#[ignore = "the process of the test below"]
fn process() {
    let mut config = Config::from_env();
    config.queue.directory = Some(env::var(DIRECTORY).unwrap().into());
    let telemetry = Telemetry::build(config).unwrap();
    let tracer = telemetry.tracer_provider().tracer("test");
    for number in 0..20_000 {
        drop(tracer.start(number.to_string()));
        println!("\non disk {}", of(&telemetry, Signal::Traces).on_disk);
        thread::sleep(Duration::from_millis(2));
    }
}

#[tokio::test]
async fn what_a_killed_service_had_on_disk_arrives_without_a_hole() {
    let (receiver, directory) = (Receiver::start(), Directory::new());
    receiver.then_always(Fault::Status(503));
    let (endpoint, path) = (receiver.http_endpoint(), directory.0.display().to_string());
    let variables =
        [("OTEL_EXPORTER_OTLP_ENDPOINT", &*endpoint), ("OTEL_BSP_SCHEDULE_DELAY", "20"), (DIRECTORY, &*path)];
    let process = Process::this_test("outage::killed::process", &variables);
    let told = || {
        let lines = process.lines().into_iter();
        lines.filter_map(|line| line.strip_prefix("on disk ")?.parse::<u64>().ok()).max().unwrap_or(0)
    };
    until("a hundred on disk", || async { (told() > 100).then_some(()) }).await;
    let on_disk = told();
    drop(process); // SIGKILL

    let next = Telemetry::build(config(&receiver, Some(&directory))).unwrap();
    let adopted = of(&next, Signal::Traces).adopted;
    assert!(adopted >= on_disk, "{on_disk} were on disk, {adopted} were found");
    receiver.recover();
    next.handle().flush(PATIENCE).await.unwrap();
    assert_eq!(counts(&of(&next, Signal::Traces)), [adopted, adopted, 0, 0, 0]);
    let mut names: Vec<u64> = receiver.spans().iter().map(|(_, span)| span.name.parse().unwrap()).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names, Vec::from_iter(0..adopted));
}
