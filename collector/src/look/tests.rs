use super::*;
use crate::{Config, check::field, plan::Source, process::Client};
use std::{sync::mpsc, time::Duration};

fn intake() -> Intake {
    Intake::start(&Config::default()).unwrap()
}

/// Spans of one trace each, by their numbers.
fn add(intake: &Intake, traces: impl Iterator<Item = u32>) {
    let span = |trace: u32| {
        let id = [&[1; 12][..], &trace.to_be_bytes()].concat();
        field(2, &[field(1, &id), field(2, &[7; 8])].concat())
    };
    let body = field(1, &field(2, &traces.flat_map(span).collect::<Vec<u8>>()));
    intake.take(Signal::Traces, Source::OTLP, &body, &Client::default(), &mut intake.reserve()).unwrap();
}

fn number(id: &TraceId) -> u32 {
    u32::from_be_bytes(*id.last_chunk().unwrap())
}

// A step asserts that it reads no more than it may.
#[test]
fn what_takes_many_steps_to_read_is_whole() {
    const COUNT: u32 = 5 * STEP as u32 + 7;
    let intake = intake();
    add(&intake, 0..COUNT);
    add(&intake, (0..2).chain(vec![7; COUNT as usize]));
    for _ in 0..COUNT {
        intake
            .take(
                Signal::Logs,
                Source::OTLP,
                &field(1, &field(2, &field(2, b""))),
                &Client::default(),
                &mut intake.reserve(),
            )
            .unwrap();
    }
    let expected: Vec<u32> = [7, 1, 0].into_iter().chain((2..COUNT).rev().filter(|n| *n != 7)).collect();
    assert_eq!(newest(&intake).iter().map(number).collect::<Vec<_>>(), expected);
    let trace = |last: u8| [&[1; 15][..], &[last]].concat();
    let seven = TraceId::try_from([&[1; 12][..], &[0, 0, 0, 7]].concat()).unwrap();
    assert_eq!(found(&intake, &seven).spans.len(), COUNT as usize + 1);
    assert_eq!(logs(&intake, 10_000).len(), COUNT as usize);
    let asked: HashSet<TraceId> = newest(&intake).into_iter().chain([trace(9).try_into().unwrap()]).collect();
    assert_eq!(kept(&intake, asked).len(), COUNT as usize);
}

#[test]
fn who_looks_slowly_holds_nobody_up() {
    let intake = intake();
    add(&intake, 0..3);
    let (go, wait) = mpsc::channel();
    let (tell, told) = mpsc::channel();
    std::thread::scope(|scope| {
        let intake = &intake;
        let slow = scope.spawn(move || {
            traces(intake, 10, |_, _, _| {
                tell.send(()).unwrap();
                wait.recv().is_ok()
            })
        });
        // In the middle of a look, with two traces to go: requests are taken and others look.
        told.recv().unwrap();
        let (done, is_done) = mpsc::channel();
        scope.spawn(move || {
            add(intake, 3..5);
            done.send(traces(intake, 10, |_, _, _| true).len()).unwrap();
        });
        let others = is_done.recv_timeout(Duration::from_secs(30));
        (0..3).for_each(|_| go.send(()).unwrap());
        assert_eq!((slow.join().unwrap().len(), others), (3, Ok(5)));
    });
}
