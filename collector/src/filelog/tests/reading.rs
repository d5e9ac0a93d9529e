use super::*;

// B-063
#[test]
fn every_line_arrives_with_the_name_of_its_file() {
    let (place, arrived) = (Place::new(), Arrived::default());
    place.append("a.log", "one\r\n\n  two \n");
    let mut options = place.options("*.log");
    options.include_file_path = true;
    options.attributes.insert("team", "blue");
    let collector = start(options, &arrived);
    arrived.expect(&collector, &["one", "two"]);
    place.append("a.log", "three\n");
    arrived.expect(&collector, &["one", "two", "three"]);
    let path = place.path("a.log").display().to_string();
    let expected = [("log.file.name", "a.log"), ("log.file.path", &path), ("team", "blue")];
    let expected = expected.map(|(key, value)| (key.to_owned(), value.to_owned()));
    for record in arrived.records().iter() {
        assert_eq!(attributes(record), expected.clone().into());
        assert!(record.observed_time_unix_nano > 0 && record.time_unix_nano == 0);
    }
    let counters = collector.counters();
    assert_eq!((counters.log_files, counters.open_log_files, counters.log_file_bytes), (1, 1, 19));
    stop(collector);
}

// B-063
#[test]
fn at_the_first_start_what_is_there_is_history_unless_it_is_asked_for() {
    let (place, arrived) = (Place::new(), Arrived::default());
    place.append("old.log", "history\n");
    place.append("empty.log", "");
    let collector = start(Options { start_at: StartAt::End, ..place.options("*.log") }, &arrived);
    until(|| collector.counters().log_files == 1);
    place.append("old.log", "new\n");
    arrived.expect(&collector, &["new"]);
    place.append("new.log", "whole\n");
    place.append("empty.log", "whole too\n");
    until(|| arrived.count() == 3);
    let mut bodies = arrived.bodies();
    bodies.sort();
    assert_eq!(bodies, ["new", "whole", "whole too"]);
    stop(collector);
}

// B-063
#[test]
fn a_last_line_without_an_end_is_whole_when_the_file_is_quiet() {
    let (place, arrived) = (Place::new(), Arrived::default());
    place.append("a.log", "one\nhal");
    let never = Options { force_flush_period: Duration::ZERO, ..place.options("*.log") };
    let collector = start(never, &arrived);
    arrived.expect(&collector, &["one"]);
    place.append("a.log", "f\n");
    arrived.expect(&collector, &["one", "half"]);
    stop(collector);
    let arrived = Arrived::default();
    place.append("a.log", "rest");
    let soon = Options { force_flush_period: Duration::from_millis(20), ..place.options("*.log") };
    let collector = start(soon, &arrived);
    arrived.expect(&collector, &["one", "half", "rest"]);
    place.append("a.log", "less\n");
    arrived.expect(&collector, &["one", "half", "rest", "less"]);
    stop(collector);
}

// B-063
#[test]
fn a_line_of_ten_megabytes_arrives_in_pieces_that_are_the_line() {
    let (place, arrived) = (Place::new(), Arrived::default());
    let line: String = (0..10_000_000 / 8).map(|number| format!("{number:07}é")[..].to_owned()).collect();
    place.append("a.log", format!("before\n{line}\nafter\n"));
    let collector = start(place.options("*.log"), &arrived);
    until(|| arrived.bodies().last().is_some_and(|last| last == "after"));
    let bodies = arrived.bodies();
    assert!(bodies.iter().all(|body| body.len() <= 1024 * 1024));
    assert_eq!((&*bodies[0], bodies[1..bodies.len() - 1].concat() == line), ("before", true));
    stop(collector);
}

#[test]
fn what_is_no_text_is_replaced_or_stays_bytes() {
    let (place, arrived) = (Place::new(), Arrived::default());
    place.append("a.log", b"\xff\xfe\x00a\nb\n");
    let collector = start(place.options("*.log"), &arrived);
    arrived.expect(&collector, &["\u{fffd}\u{fffd}\0a", "b"]);
    stop(collector);
    let arrived = Arrived::default();
    let collector = start(Options { encoding: Encoding::Nop, ..place.options("*.log") }, &arrived);
    arrived.expect(&collector, &["[255, 254, 0, 97]", "[98]"]);
    stop(collector);
}

// B-063
#[test]
fn lines_in_utf_16_arrive_as_texts() {
    let (place, arrived) = (Place::new(), Arrived::default());
    let options = || Options {
        encoding: Encoding::Utf16Le,
        force_flush_period: Duration::ZERO,
        ..place.stored("*.log")
    };
    let bytes = |text: &str| text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>();
    place.append("a.log", bytes("\u{feff}one\r\nz\u{0a0a}\u{1f600}\n"));
    let collector = start(options(), &arrived);
    arrived.expect(&collector, &["one", "z\u{0a0a}\u{1f600}"]);
    // Half of a unit is still written.
    let (first, rest) = (&bytes("three\n")[..3], &bytes("three\n")[3..]);
    place.append("a.log", first);
    rounds(&collector, 2);
    place.append("a.log", rest);
    arrived.expect(&collector, &["one", "z\u{0a0a}\u{1f600}", "three"]);
    stop(collector);
    place.append("a.log", bytes("four\n"));
    let collector = start(options(), &arrived);
    arrived.expect(&collector, &["one", "z\u{0a0a}\u{1f600}", "three", "four"]);
    stop(collector);
}

// B-063
#[test]
fn an_entry_of_several_lines_is_one() {
    let (place, arrived) = (Place::new(), Arrived::default());
    let mut options = place.options("*.log");
    options.multiline = Some(Multiline::Start { pattern: "^at ".into(), omit: false });
    options.force_flush_period = Duration::from_millis(50);
    let collector = start(options, &arrived);
    place.append("a.log", "at 1\n  a\nat 2\n");
    arrived.expect(&collector, &["at 1\n  a", "at 2"]);
    stop(collector);
}

// B-063
#[test]
fn what_is_compressed_is_read_if_that_is_asked_for() {
    let (place, arrived) = (Place::new(), Arrived::default());
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(b"one\ntwo\n").unwrap();
    place.append("a.log.gz", encoder.finish().unwrap());
    place.append("b.log", "three\n");
    let collector = start(Options { gzip: true, ..place.options("*.log*") }, &arrived);
    arrived.expect(&collector, &["one", "two", "three"]);
    stop(collector);
}

#[cfg(unix)]
#[test]
fn a_file_with_two_names_is_read_once() {
    let (place, arrived) = (Place::new(), Arrived::default());
    fs::create_dir_all(place.path("pods")).unwrap();
    place.append("pods/web.log", "one\n");
    std::os::unix::fs::symlink("pods/web.log", place.path("link.log")).unwrap();
    let mut options = place.options("*.log");
    options.include.push(place.path("pods/*.log").display().to_string());
    options.include_file_name_resolved = true;
    options.include_file_path_resolved = true;
    let collector = start(options, &arrived);
    arrived.expect(&collector, &["one"]);
    place.append("pods/web.log", "two\n");
    arrived.expect(&collector, &["one", "two"]);
    let resolved = fs::canonicalize(place.path("pods/web.log")).unwrap().display().to_string();
    let expected = [
        ("log.file.name", "link.log"),
        ("log.file.name_resolved", "web.log"),
        ("log.file.path_resolved", &resolved),
    ];
    let expected = expected.map(|(key, value)| (key.to_owned(), value.to_owned()));
    assert_eq!(attributes(&arrived.records()[1]), expected.into());
    stop(collector);
}

#[test]
fn a_thousand_files_take_turns_when_few_may_be_open() {
    let (place, arrived) = (Place::new(), Arrived::default());
    let lines =
        |from: usize| (0..1000).for_each(|at| place.append(&format!("{at}.log"), format!("{at} {from}\n")));
    lines(0);
    let collector = start(Options { max_concurrent_files: 10, ..place.options("*.log") }, &arrived);
    until(|| arrived.count() >= 1000);
    lines(1);
    until(|| arrived.count() >= 2000);
    assert!(collector.counters().open_log_files <= 10);
    assert_eq!(collector.counters().log_files, 1000);
    let mut bodies = arrived.bodies();
    bodies.sort();
    bodies.dedup();
    assert_eq!(bodies.len(), 2000);
    stop(collector);
}

#[cfg(unix)]
#[test]
fn a_file_that_may_not_be_read_is_read_once_it_may() {
    use std::os::unix::fs::PermissionsExt;
    let (place, arrived) = (Place::new(), Arrived::default());
    place.append("a.log", "one\n");
    let allow = |mode| fs::set_permissions(place.path("a.log"), fs::Permissions::from_mode(mode)).unwrap();
    allow(0o000);
    if fs::File::open(place.path("a.log")).is_ok() {
        return eprintln!("whoever runs this may read everything: not tried");
    }
    let collector = start(place.options("*.log"), &arrived);
    place.append("b.log", "two\n");
    arrived.expect(&collector, &["two"]);
    allow(0o600);
    arrived.expect(&collector, &["two", "one"]);
    stop(collector);
}

#[cfg(unix)]
#[test]
fn what_cannot_be_read_holds_up_nothing_and_is_read_once_it_can() {
    let (place, arrived) = (Place::new(), Arrived::default());
    std::os::unix::fs::symlink("a.log", place.path("a.log")).unwrap();
    place.append("b.log", "one\n");
    let collector = start(place.options("*.log"), &arrived);
    arrived.expect(&collector, &["one"]);
    fs::remove_file(place.path("a.log")).unwrap();
    place.append("a.log", "two\n");
    arrived.expect(&collector, &["one", "two"]);
    stop(collector);
}

#[test]
fn directories_and_pipes_are_no_files() {
    let (place, arrived) = (Place::new(), Arrived::default());
    fs::create_dir_all(place.path("a.log")).unwrap();
    let made = std::process::Command::new("mkfifo").arg(place.path("pipe.log")).status();
    assert!(made.is_ok_and(|status| status.success()));
    place.append("z.log", "one\n");
    let collector = start(place.options("*.log"), &arrived);
    arrived.expect(&collector, &["one"]);
    assert_eq!(collector.counters().log_files, 1);
    stop(collector);
}

#[test]
fn options_that_could_read_nothing_are_told() {
    let place = Place::new();
    let fault = |options| Collector::start(config(options, &Arrived::default())).unwrap_err().to_string();
    assert_eq!(
        fault(Options::default()),
        "the file log file_log: include is empty, so that nothing could be read; set it"
    );
    let pattern = Options {
        multiline: Some(Multiline::End { pattern: "(".into(), omit: false }),
        ..place.options("*")
    };
    assert_eq!(
        fault(pattern),
        "the file log file_log: the pattern \"(\" is no regular expression: unclosed group"
    );
    place.append("file", "");
    let storage = Options { storage: Some(place.path("file")), ..place.options("*") };
    assert!(fault(storage).contains("cannot be used"));
}
