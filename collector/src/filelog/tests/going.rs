use super::*;
use crate::filelog::{
    entry::Field,
    operator::{Boundary, Container, Operator, Recombine, Task},
};

fn lines(numbers: std::ops::Range<u32>) -> String {
    numbers.map(|number| format!("{number:06}\n")).collect()
}

fn expect(collector: &Collector, arrived: &Arrived, expected: std::ops::Range<u32>) {
    until(|| arrived.count() >= expected.len());
    delivered(collector);
    let expected: Vec<String> = expected.map(|number| format!("{number:06}")).collect();
    assert_eq!(arrived.bodies(), expected);
}

#[test]
fn a_clean_restart_goes_on_where_it_stopped() {
    let (place, arrived) = (Place::new(), Arrived::default());
    let options = || Options { force_flush_period: Duration::ZERO, ..place.stored("a.log") };
    for round in 0..5 {
        // The first half of the first line is there already.
        let text = lines(round * 10..round * 10 + 11);
        place.append("a.log", &text[if round == 0 { 0 } else { 4 }..text.len() - 3]);
        let collector = start(options(), &arrived);
        expect(&collector, &arrived, 0..round * 10 + 10);
        stop(collector);
    }
}

#[test]
fn without_storage_the_next_start_is_a_first_one() {
    let (place, arrived) = (Place::new(), Arrived::default());
    place.append("a.log", "one\n");
    for expected in [&["one"][..], &["one", "one"]] {
        let collector = start(place.options("a.log"), &arrived);
        arrived.expect(&collector, expected);
        stop(collector);
    }
}

#[test]
fn what_is_not_delivered_is_not_written_down() {
    let (place, arrived) = (Place::new(), Arrived::default());
    place.append("a.log", lines(0..10));
    let collector = start(place.stored("a.log"), &arrived);
    expect(&collector, &arrived, 0..10);
    until(|| collector.counters().log_file_commits > 0);
    arrived.away(true);
    place.append("a.log", lines(10..20));
    until(|| collector.counters().log_file_entries == 20);
    rounds(&collector, 5);
    // As when it is killed: nothing is delivered any more.
    assert!(collector.stop_blocking(Duration::ZERO).is_err());
    arrived.away(false);
    let collector = start(place.stored("a.log"), &arrived);
    expect(&collector, &arrived, 0..20);
    stop(collector);
}

#[test]
fn while_nothing_is_taken_nothing_more_is_read_and_nothing_is_dropped() {
    let (place, arrived) = (Place::new(), Arrived::default());
    let long = format!("{}\n", "x".repeat(1000));
    let whole = (0..20_000).map(|number| format!("{number:06} {long}")).collect::<String>();
    place.append("a.log", &whole);
    arrived.away(true);
    let mut config = config(place.options("a.log"), &arrived);
    config.queue_bytes = 2 * 1024 * 1024;
    let collector = Collector::start(config).unwrap();
    until(|| collector.forwarded()[0].queued > 0);
    let read = || collector.counters().log_file_bytes;
    until(|| {
        let before = read();
        rounds(&collector, 2);
        read() == before
    });
    assert!(read() < 4 * 1024 * 1024, "{}", read());
    arrived.away(false);
    until(|| arrived.count() >= 20_000);
    delivered(&collector);
    let mut bodies = arrived.bodies();
    // A request that was refused lets others pass.
    bodies.sort();
    assert!(bodies.iter().map(|body| format!("{body}\n")).collect::<String>() == whole);
    assert_eq!(collector.forwarded()[0].dropped, 0);
    stop(collector);
}

#[test]
fn what_is_too_large_to_be_taken_is_counted_and_the_rest_goes_on() {
    let (place, arrived) = (Place::new(), Arrived::default());
    place.append("a.log", format!("one\n{}\ntwo\n", "x".repeat(100_000)));
    let mut config = config(place.stored("a.log"), &arrived);
    config.max_request_bytes = 10_000;
    let collector = Collector::start(config).unwrap();
    arrived.expect(&collector, &["one", "two"]);
    assert_eq!(collector.counters().refused_log_file_requests, 1);
    stop(collector);
    let collector = start(place.stored("a.log"), &arrived);
    place.append("a.log", "three\n");
    arrived.expect(&collector, &["one", "two", "three"]);
    stop(collector);
}

#[test]
fn a_checkpoint_that_cannot_be_written_is_written_later() {
    let (place, arrived) = (Place::new(), Arrived::default());
    let collector = start(place.stored("a.log"), &arrived);
    // A directory where the file should be made.
    fs::create_dir_all(place.path("storage/file_log.json.new")).unwrap();
    place.append("a.log", lines(0..10));
    expect(&collector, &arrived, 0..10);
    fs::remove_dir(place.path("storage/file_log.json.new")).unwrap();
    stop(collector);
    let collector = start(place.stored("a.log"), &arrived);
    place.append("a.log", lines(10..20));
    expect(&collector, &arrived, 0..20);
    stop(collector);
}

#[test]
fn two_file_logs_are_two_sources() {
    let (place, [blue, green]) = (Place::new(), [Arrived::default(), Arrived::default()]);
    let named = |name: &str| Options { name: name.into(), ..place.stored(&format!("{name}.log")) };
    let mut config = Config { grpc: None, http: None, view: None, max_bytes: 0, ..Config::default() };
    for (name, arrived) in [("blue", &blue), ("green", &green)] {
        config.file_logs.push(named(name));
        let mut destinations = crate::Destinations::default();
        destinations.add(Signal::Logs, Destination::Local(Inlet::named(name, arrived.clone())));
        config.exits.push(crate::Exit::new(name, crate::Way::Network(destinations)));
        let mut pipeline = crate::Pipeline::of(Signal::Logs);
        (pipeline.sources, pipeline.exits) = (vec![name.into()], vec![name.into()]);
        config.pipelines.push(pipeline);
        place.append(&format!("{name}.log"), format!("{name}\n"));
    }
    let collector = Collector::start(config).unwrap();
    blue.expect(&collector, &["blue"]);
    green.expect(&collector, &["green"]);
    stop(collector);
}

/// A line of a container.
fn cri(stream: &str, tag: char, text: &str) -> String {
    format!("2026-01-02T03:04:05.{:09}Z {stream} {tag} {text}\n", text.len())
}

fn joined(place: &Place, operator: Task) -> Options {
    let mut options = place.stored("*.log");
    options.operators.push(Operator::from(operator));
    (options.include_file_path, options.preserve_trailing_whitespaces) = (true, true);
    options
}

fn container() -> Task {
    Task::Container(Container { add_metadata_from_filepath: false, ..Container::default() })
}

// B-065
#[test]
fn a_line_in_parts_is_whole_over_a_restart_and_others_come_once() {
    let (place, arrived) = (Place::new(), Arrived::default());
    let collector = start(joined(&place, container()), &arrived);
    place.append(
        "a.log",
        cri("stdout", 'P', "one ") + &cri("stderr", 'F', "other") + &cri("stdout", 'P', "two "),
    );
    arrived.expect(&collector, &["other"]);
    until(|| collector.counters().log_file_entries == 3);
    stop(collector);
    for (more, expected) in [("P", &["other"][..]), ("F", &["other", "one two P F"])] {
        let collector = start(joined(&place, container()), &arrived);
        let tag = more.chars().next().unwrap();
        place.append("a.log", cri("stdout", tag, &(more.to_owned() + if tag == 'P' { " " } else { "" })));
        until(|| collector.counters().log_file_entries >= 3);
        arrived.expect(&collector, expected);
        stop(collector);
    }
    let collector = start(joined(&place, container()), &arrived);
    place.append("a.log", cri("stdout", 'F', "three"));
    arrived.expect(&collector, &["other", "one two P F", "three"]);
    stop(collector);
}

// B-065
#[test]
fn a_line_in_parts_that_is_not_delivered_is_read_again_with_all_of_them() {
    let (place, arrived) = (Place::new(), Arrived::default());
    arrived.away(true);
    place.append(
        "a.log",
        cri("stdout", 'P', "one ") + &cri("stdout", 'P', "two ") + &cri("stdout", 'F', "three"),
    );
    let collector = start(joined(&place, container()), &arrived);
    until(|| collector.forwarded()[0].queued == 1);
    assert!(collector.stop_blocking(Duration::ZERO).is_err());
    arrived.away(false);
    let collector = start(joined(&place, container()), &arrived);
    arrived.expect(&collector, &["one two three"]);
    stop(collector);
}

// B-065
#[test]
fn a_line_in_parts_is_whole_over_a_rotation() {
    let (place, arrived) = (Place::new(), Arrived::default());
    let collector = start(joined(&place, container()), &arrived);
    place.append("a.log", cri("stdout", 'P', "one "));
    until(|| collector.counters().log_file_entries == 1);
    let long = "x".repeat(2000);
    place.append("a.log", (0..1000).map(|_| cri("stdout", 'P', &long)).collect::<String>());
    fs::rename(place.path("a.log"), place.path("a.1")).unwrap();
    place.append("a.log", cri("stdout", 'F', "two"));
    until(|| arrived.count() > 1);
    let whole = arrived.bodies().concat();
    assert_eq!(whole, format!("one {}two", long.repeat(1000)));
    stop(collector);
}

#[test]
fn what_waits_to_be_recombined_is_read_again_and_what_was_delivered_is_not() {
    let (place, arrived) = (Place::new(), Arrived::default());
    let boundary = Boundary::First("body startsWith 'at'".into());
    let mut recombine = Recombine::new(boundary, Field::BODY);
    recombine.force_flush_period = Duration::from_secs(600);
    let options = || joined(&place, Task::Recombine(recombine.clone()));
    place.append("a.log", "at 1\n one\nat 2\n two\n");
    for round in 0..3 {
        let collector = start(options(), &arrived);
        arrived.expect(&collector, &["at 1\none"]);
        until(|| collector.counters().log_file_entries == if round == 0 { 4 } else { 2 });
        stop(collector);
    }
    let collector = start(Options { storage: None, ..options() }, &Arrived::default());
    until(|| collector.counters().log_file_entries == 4);
    stop(collector);
    let collector = start(options(), &arrived);
    place.append("a.log", " three\nat 3\n");
    arrived.expect(&collector, &["at 1\none", "at 2\ntwo\nthree"]);
    stop(collector);
}

#[test]
fn what_no_pipeline_takes_is_not_read() {
    let (place, arrived) = (Place::new(), Arrived::default());
    let mut config = config(place.options("*.log"), &arrived);
    config.destinations = crate::Destinations::default();
    config.max_bytes = 1;
    let mut pipeline = crate::Pipeline::of(Signal::Logs);
    pipeline.sources.push(crate::Pipeline::OTLP.into());
    config.pipelines.push(pipeline);
    let fault = Collector::start(config).unwrap_err().to_string();
    assert_eq!(fault, "the file log file_log: no pipeline of logs has it as a source; name it in one");
}
