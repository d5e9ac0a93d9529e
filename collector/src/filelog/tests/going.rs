use super::*;

fn lines(numbers: std::ops::Range<u32>) -> String {
    numbers.map(|number| format!("{number:06}\n")).collect()
}

fn expect(arrived: &Arrived, expected: std::ops::Range<u32>) {
    until(|| arrived.count() >= expected.len());
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
        expect(&arrived, 0..round * 10 + 10);
        stop(collector);
    }
}

#[test]
fn without_storage_the_next_start_is_a_first_one() {
    let (place, arrived) = (Place::new(), Arrived::default());
    place.append("a.log", "one\n");
    for expected in [&["one"][..], &["one", "one"]] {
        let collector = start(place.options("a.log"), &arrived);
        arrived.expect(expected);
        stop(collector);
    }
}

#[test]
fn what_is_not_delivered_is_not_written_down() {
    let (place, arrived) = (Place::new(), Arrived::default());
    place.append("a.log", lines(0..10));
    let collector = start(place.stored("a.log"), &arrived);
    expect(&arrived, 0..10);
    until(|| collector.counters().log_file_commits > 0);
    arrived.away(true);
    place.append("a.log", lines(10..20));
    until(|| collector.counters().log_file_entries == 20);
    looks(5);
    // As when it is killed: nothing is delivered any more.
    assert!(collector.stop_blocking(Duration::ZERO).is_err());
    arrived.away(false);
    let collector = start(place.stored("a.log"), &arrived);
    expect(&arrived, 0..20);
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
    looks(30);
    let read = collector.counters().log_file_bytes;
    assert!(read < 4 * 1024 * 1024, "{read}");
    looks(10);
    assert_eq!(collector.counters().log_file_bytes, read);
    arrived.away(false);
    until(|| arrived.count() >= 20_000);
    assert_eq!(arrived.bodies().iter().map(|body| format!("{body}\n")).collect::<String>(), whole);
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
    arrived.expect(&["one", "two"]);
    assert_eq!(collector.counters().refused_log_file_requests, 1);
    stop(collector);
    let collector = start(place.stored("a.log"), &arrived);
    place.append("a.log", "three\n");
    arrived.expect(&["one", "two", "three"]);
    stop(collector);
}

#[test]
fn a_checkpoint_that_cannot_be_written_is_written_later() {
    let (place, arrived) = (Place::new(), Arrived::default());
    let collector = start(place.stored("a.log"), &arrived);
    // A directory where the file should be made.
    fs::create_dir_all(place.path("storage/file_log.json.new")).unwrap();
    place.append("a.log", lines(0..10));
    expect(&arrived, 0..10);
    fs::remove_dir(place.path("storage/file_log.json.new")).unwrap();
    stop(collector);
    let collector = start(place.stored("a.log"), &arrived);
    place.append("a.log", lines(10..20));
    expect(&arrived, 0..20);
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
    blue.expect(&["blue"]);
    green.expect(&["green"]);
    stop(collector);
}
