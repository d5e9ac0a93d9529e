use super::*;
use flate2::{Compression, write::GzEncoder};

fn line(number: u32) -> String {
    // Longer than a fingerprint after a few.
    format!("{number:06} {}\n", "x".repeat(90))
}

fn lines(numbers: std::ops::Range<u32>) -> String {
    numbers.map(line).collect()
}

fn numbers(arrived: &Arrived) -> Vec<u32> {
    arrived.bodies().iter().map(|body| body[..6].parse().unwrap()).collect()
}

fn expect(collector: &Collector, arrived: &Arrived, expected: std::ops::Range<u32>) {
    until(|| arrived.count() >= expected.len());
    delivered(collector);
    let mut numbers = numbers(arrived);
    numbers.sort();
    assert_eq!(numbers, Vec::from_iter(expected));
}

// B-063
#[test]
fn a_file_that_is_renamed_is_read_to_its_end_and_the_next_one_from_its_beginning() {
    for pattern in ["a.log", "a.log*"] {
        for first in [3, 50] {
            let (place, arrived) = (Place::new(), Arrived::default());
            place.append("a.log", lines(0..first));
            let collector = start(place.options(pattern), &arrived);
            expect(&collector, &arrived, 0..first);
            fs::rename(place.path("a.log"), place.path("a.log.1")).unwrap();
            place.append("a.log", lines(100..110));
            place.append("a.log.1", lines(first..100));
            expect(&collector, &arrived, 0..110);
            // Whoever writes has not noticed yet.
            place.append("a.log.1", lines(110..111));
            place.append("a.log", lines(111..112));
            expect(&collector, &arrived, 0..112);
            stop(collector);
        }
    }
}

// B-063
#[test]
fn a_new_file_that_begins_as_the_one_before_is_another_one() {
    let (place, arrived) = (Place::new(), Arrived::default());
    place.append("a.log", "banner\none\n");
    let collector = start(place.options("a.log"), &arrived);
    arrived.expect(&collector, &["banner", "one"]);
    fs::rename(place.path("a.log"), place.path("old")).unwrap();
    place.append("a.log", "banner\ntwo\n");
    arrived.expect(&collector, &["banner", "one", "banner", "two"]);
    stop(collector);
}

// B-063
#[test]
fn a_file_that_is_copied_and_truncated_goes_on_in_its_copy() {
    for pattern in ["a.log", "a.log*"] {
        let (place, arrived) = (Place::new(), Arrived::default());
        place.append("a.log", lines(0..50));
        let collector =
            start(Options { poll_interval: Duration::from_millis(50), ..place.options(pattern) }, &arrived);
        expect(&collector, &arrived, 0..50);
        place.append("a.log", lines(50..60));
        fs::copy(place.path("a.log"), place.path("a.log.1")).unwrap();
        OpenOptions::new().write(true).open(place.path("a.log")).unwrap().set_len(0).unwrap();
        place.append("a.log", lines(60..70));
        expect(&collector, &arrived, 0..70);
        place.append("a.log", lines(70..80));
        expect(&collector, &arrived, 0..80);
        stop(collector);
    }
}

// B-063
#[test]
fn a_file_that_is_truncated_and_written_again_beyond_where_it_was_is_a_new_one() {
    let (place, arrived) = (Place::new(), Arrived::default());
    place.append("a.log", lines(0..20));
    let collector = start(place.options("a.log"), &arrived);
    expect(&collector, &arrived, 0..20);

    fs::write(place.path("a.log"), lines(20..50)).unwrap();
    expect(&collector, &arrived, 0..50);

    fs::write(place.path("a.log"), lines(50..80)).unwrap();
    expect(&collector, &arrived, 0..80);
    // Who writes on at the old place leaves a hole.
    let mut file = OpenOptions::new().write(true).open(place.path("a.log")).unwrap();
    std::io::Seek::seek(&mut file, std::io::SeekFrom::End(0)).unwrap();
    OpenOptions::new().write(true).open(place.path("a.log")).unwrap().set_len(0).unwrap();
    file.write_all(lines(80..90).as_bytes()).unwrap();
    expect(&collector, &arrived, 0..90);
    stop(collector);
}

// B-063
#[test]
fn a_copy_is_not_read_again_while_the_original_is_there() {
    let (place, arrived) = (Place::new(), Arrived::default());
    place.append("a.log", lines(0..50));
    let collector = start(place.options("*.log"), &arrived);
    expect(&collector, &arrived, 0..50);
    // A part of it, as while it is copied.
    for end in [3, 30, 50] {
        fs::write(place.path("copy.log"), lines(0..end)).unwrap();
        rounds(&collector, 5);
    }
    place.append("a.log", lines(50..60));
    expect(&collector, &arrived, 0..60);
    stop(collector);
}

#[test]
fn a_file_that_is_deleted_is_read_to_its_end() {
    let (place, arrived) = (Place::new(), Arrived::default());
    place.append("a.log", lines(0..10));
    let collector = start(place.options("*.log"), &arrived);
    expect(&collector, &arrived, 0..10);
    let mut writer = OpenOptions::new().append(true).open(place.path("a.log")).unwrap();
    fs::remove_file(place.path("a.log")).unwrap();
    writer.write_all(lines(10..20).as_bytes()).unwrap();
    expect(&collector, &arrived, 0..20);
    // Its last line has no end, and its place on disk is given back.
    writer.write_all(line(20).trim_end().as_bytes()).unwrap();
    expect(&collector, &arrived, 0..21);
    until(|| collector.counters().open_log_files == 0);
    place.append("a.log", lines(21..22));
    expect(&collector, &arrived, 0..22);
    stop(collector);
}

// As Docker's logs are linked below the directory of the pods, and those below that of the containers.
#[cfg(unix)]
#[test]
fn a_link_leads_to_whatever_is_at_its_end_now() {
    let (place, arrived) = (Place::new(), Arrived::default());
    for directory in ["docker", "pods", "containers"] {
        fs::create_dir_all(place.path(directory)).unwrap();
    }
    std::os::unix::fs::symlink("../docker/web.json", place.path("pods/0.log")).unwrap();
    std::os::unix::fs::symlink("../pods/0.log", place.path("containers/web.log")).unwrap();
    place.append("docker/web.json", lines(0..20));
    let collector = start(place.stored("containers/*.log"), &arrived);
    expect(&collector, &arrived, 0..20);
    place.append("docker/web.json", lines(20..25));
    fs::rename(place.path("docker/web.json"), place.path("docker/web.json.1")).unwrap();
    place.append("docker/web.json", lines(25..30));
    expect(&collector, &arrived, 0..30);
    stop(collector);
    // While nobody looks: again, and the container is started anew.
    place.append("docker/web.json", lines(30..35));
    fs::rename(place.path("docker/web.json"), place.path("docker/web.json.1")).unwrap();
    place.append("docker/web.json", lines(35..40));
    let collector = start(place.stored("containers/*.log"), &arrived);
    expect(&collector, &arrived, 0..40);
    place.append("docker/next.json", lines(40..45));
    fs::remove_file(place.path("containers/web.log")).unwrap();
    std::os::unix::fs::symlink("../docker/next.json", place.path("containers/web.log")).unwrap();
    place.append("docker/web.json", lines(45..50));
    expect(&collector, &arrived, 0..50);
    stop(collector);
}

#[test]
fn the_time_of_a_file_does_not_matter() {
    let (place, arrived) = (Place::new(), Arrived::default());
    place.append("a.log", lines(0..10));
    let collector = start(place.options("*.log"), &arrived);
    expect(&collector, &arrived, 0..10);
    let times = [0, 1_000_000_000].map(|seconds| std::time::UNIX_EPOCH + Duration::from_secs(seconds));
    for (at, time) in (10..).zip(times) {
        place.append("a.log", line(at));
        OpenOptions::new().write(true).open(place.path("a.log")).unwrap().set_modified(time).unwrap();
        expect(&collector, &arrived, 0..at + 1);
    }
    stop(collector);
}

// B-063
#[test]
fn what_left_while_nobody_looked_is_found_again() {
    let gone: [fn(&Place); 4] = [
        |place| fs::rename(place.path("a.log"), place.path("a.log.1")).unwrap(),
        |place| fs::rename(place.path("a.log"), place.path("2026-a")).unwrap(),
        |place| {
            let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
            encoder.write_all(&fs::read(place.path("a.log")).unwrap()).unwrap();
            fs::write(place.path("a.log.20260102-030405.gz"), encoder.finish().unwrap()).unwrap();
            fs::remove_file(place.path("a.log")).unwrap();
        },
        |place| {
            fs::copy(place.path("a.log"), place.path("a.log.1")).unwrap();
            fs::write(place.path("a.log"), "").unwrap();
        },
    ];
    for leave in gone {
        let place = Place::new();
        place.append("a.log", lines(0..20));
        let arrived = Arrived::default();
        let collector = start(place.stored("a.log"), &arrived);
        expect(&collector, &arrived, 0..20);
        stop(collector);
        place.append("a.log", lines(20..30));
        leave(&place);
        place.append("a.log", lines(30..40));
        let collector = start(place.stored("a.log"), &arrived);
        expect(&collector, &arrived, 0..40);
        stop(collector);
    }
}

/// As a kubelet does it: the file is renamed, the one before is compressed.
pub(super) fn rotate(place: &Place, name: &str, round: u32) {
    fs::rename(place.path(name), place.path(&format!("{name}.{round}"))).unwrap();
    if let Some(before) = round.checked_sub(1) {
        let before = place.path(&format!("{name}.{before}"));
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(&fs::read(&before).unwrap()).unwrap();
        fs::write(before.with_extension(format!("{}.gz", round - 1)), encoder.finish().unwrap()).unwrap();
        fs::remove_file(before).unwrap();
    }
}

fn copy_and_truncate(place: &Place, name: &str, round: u32) {
    fs::copy(place.path(name), place.path(&format!("{name}.{round}"))).unwrap();
    OpenOptions::new().write(true).open(place.path(name)).unwrap().set_len(0).unwrap();
}

// B-063
#[test]
fn under_load_every_line_of_every_file_arrives_once() {
    let kubelet = (rotate as fn(&Place, &str, u32), "*.log");
    for (rotate, pattern) in [kubelet, (rotate, "*.log*"), (copy_and_truncate, "*.log*")] {
        let (place, arrived) = (Place::new(), Arrived::default());
        let collector = start(Options { gzip: true, ..place.options(pattern) }, &arrived);
        let (writers, rounds, each) = (4, 12, 400);
        let line = |writer, number: u32| format!("{writer} {number:06} {}", "x".repeat(80));
        thread::scope(|scope| {
            for writer in 0..writers {
                let (place, arrived, name) = (&place, &arrived, format!("{writer}.log"));
                scope.spawn(move || {
                    for number in 0..rounds * each {
                        place.append(&name, line(writer, number) + "\n");
                        // A file that comes and goes between two looks is never seen.
                        if number % each == each / 2 {
                            until(|| arrived.has(&line(writer, number - each / 2)));
                        } else if number % each == each - 1 {
                            rotate(place, &name, number / each);
                        }
                    }
                });
            }
        });
        let total = (writers * rounds * each) as usize;
        until(|| arrived.count() >= total);
        delivered(&collector);
        let mut seen: BTreeMap<String, u32> = BTreeMap::new();
        arrived.bodies().into_iter().for_each(|body| *seen.entry(body).or_default() += 1);
        let twice = seen.values().filter(|count| **count > 1).count();
        assert_eq!((seen.len(), twice), (total, 0), "{pattern}");
        stop(collector);
    }
}
