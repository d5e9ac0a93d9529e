//! A process that is killed again and again, while files are written, rotated and compressed.

use super::{changing::rotate, *};
use std::{
    io::Read,
    process::{Child, Command, Stdio},
    sync::atomic::AtomicU32,
};
use throughline_sender::{Protocol, Remote};

const WRITERS: u32 = 3;

/// Lines of a file until it is rotated.
const LINES: u32 = 2000;

/// Where the process finds its directory and its destination.
const VARIABLES: [&str; 2] = ["TEST_DIRECTORY", "TEST_DESTINATION"];

#[test]
#[ignore = "the process of the test below"]
#[expect(clippy::disallowed_methods, reason = "the test below says what to do")]
fn process() {
    let [directory, destination] = VARIABLES.map(|name| std::env::var(name).unwrap());
    let mut options = Options::of([format!("{directory}/*.log")]);
    options.start_at = StartAt::Beginning;
    options.poll_interval = Duration::from_millis(10);
    options.storage = Some(format!("{directory}/storage").into());
    let mut config = Config { grpc: None, http: None, view: None, max_bytes: 0, ..Config::default() };
    config.batch.delay = Duration::from_millis(5);
    let remote = Remote::new(Protocol::HttpProtobuf, destination.parse().unwrap());
    config.destinations.add(Signal::Logs, Destination::Remote(remote));
    config.file_logs.push(options);
    let collector = Collector::start(config).unwrap();
    // Until the other end is closed.
    let _ = std::io::stdin().read(&mut [0]);
    stop(collector);
}

/// Starts the process of the test above.
fn spawn(place: &Place, receiver: &Collector) -> Child {
    let url = format!("http://{}/v1/logs", receiver.http_address().unwrap());
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "filelog::tests::killed::process", "--ignored"])
        .envs(VARIABLES.into_iter().zip([place.0.display().to_string(), url]))
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap()
}

fn line(writer: u32, number: u32) -> String {
    format!("{writer} {number:08} {}", "x".repeat(100))
}

/// Writes until it is told to stop; how many lines it wrote.
fn write(place: &Place, arrived: &Arrived, writer: u32, is_over: &AtomicBool) -> u32 {
    let name = format!("{writer}.log");
    let mut number = 0;
    while !is_over.load(SeqCst) {
        place.append(
            &name,
            (number..number + 20).map(|number| line(writer, number) + "\n").collect::<String>(),
        );
        number += 20;
        thread::sleep(Duration::from_millis(1));
        if number % LINES == 0 {
            // A file that comes and goes while no process looks is never seen.
            until(|| arrived.has(&line(writer, number - LINES)) || is_over.load(SeqCst));
            rotate(place, &name, number / LINES - 1);
        }
    }
    number
}

#[test]
fn killed_again_and_again_it_loses_nothing_and_repeats_what_was_on_its_way() {
    let (place, arrived) = (Place::new(), Arrived::default());
    let mut config = config(place.options("none"), &arrived);
    config.file_logs.clear();
    config.http = Some(std::net::SocketAddr::from(([127, 0, 0, 1], 0)));
    let receiver = Collector::start(config).unwrap();
    let (is_over, kills, written) =
        (AtomicBool::new(false), 12, [const { AtomicU32::new(0) }; WRITERS as usize]);
    thread::scope(|scope| {
        for (writer, written) in (0..).zip(&written) {
            let (place, arrived, is_over) = (&place, &arrived, &is_over);
            scope.spawn(move || written.store(write(place, arrived, writer, is_over), SeqCst));
        }
        for kill in 0..kills {
            let mut child = spawn(&place, &receiver);
            let before = arrived.count();
            until(|| arrived.count() > before + 500 * (kill % 4));
            if kill % 3 == 0 {
                // What it has read is on its way when it is killed.
                let refused = arrived.refused();
                arrived.away(true);
                until(|| arrived.refused() > refused);
            }
            child.kill().unwrap();
            child.wait().unwrap();
            arrived.away(false);
        }
        is_over.store(true, SeqCst);
    });
    let written = written.map(|written| written.load(SeqCst));
    let total = written.iter().sum::<u32>() as usize;
    let mut child = spawn(&place, &receiver);
    let seen = || {
        let mut seen: BTreeMap<String, usize> = BTreeMap::new();
        arrived.bodies().into_iter().for_each(|body| *seen.entry(body).or_default() += 1);
        seen
    };
    let lines = || {
        let of = |(writer, written)| (0..written).map(move |number| line(writer, number));
        (0..).zip(written).flat_map(of)
    };
    let begun = Instant::now();
    while seen().len() < total {
        let seen = seen();
        let missing = || lines().filter(|line| !seen.contains_key(line));
        assert!(
            begun.elapsed() < Duration::from_secs(60),
            "{} of {total}: {:?}",
            missing().count(),
            missing().next()
        );
        thread::sleep(Duration::from_millis(50));
    }
    assert!(seen().into_keys().eq(lines()));
    let repeated = arrived.count() - total;
    eprintln!("{total} lines, {kills} kills, {repeated} lines twice");
    assert!(repeated <= kills * 8 * 1024 * 1024 / line(0, 0).len(), "{repeated}");
    // An end that is none by force repeats nothing.
    let before = arrived.count();
    drop(child.stdin.take());
    assert!(child.wait().unwrap().success());
    let mut child = spawn(&place, &receiver);
    place.append("0.log", "last\n");
    until(|| arrived.count() > before);
    assert_eq!(arrived.bodies()[before..], ["last"]);
    drop(child.stdin.take());
    assert!(child.wait().unwrap().success());
    stop(receiver);
}

#[test]
fn killed_it_repeats_nothing_that_was_written_down() {
    let (place, arrived) = (Place::new(), Arrived::default());
    let mut config = config(place.options("none"), &arrived);
    config.file_logs.clear();
    config.http = Some(std::net::SocketAddr::from(([127, 0, 0, 1], 0)));
    let receiver = Collector::start(config).unwrap();
    let (mut expected, mut length) = (Vec::new(), 0);
    for kill in 0..3 {
        let lines = Vec::from_iter((0..5000).map(|number| line(kill, number)));
        place.append("a.log", lines.join("\n") + "\n");
        length += lines.iter().map(|line| line.len() + 1).sum::<usize>();
        expected.extend(lines);
        let mut child = spawn(&place, &receiver);
        let written = || fs::read_to_string(place.path("storage/file_log.json")).unwrap_or_default();
        until(|| written().ends_with(&format!("\"offset\":{length}}}]}}")));
        child.kill().unwrap();
        child.wait().unwrap();
        // The receiver has acknowledged it, and hands it on.
        until(|| arrived.count() >= expected.len());
        assert!(arrived.bodies() == expected, "{} of {}", arrived.count(), expected.len());
    }
    stop(receiver);
}
