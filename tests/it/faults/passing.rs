//! One fault, then all is well: every signal, over every protocol, to the last item.

use super::{ITEMS, PROTOCOLS, config, measured::agree, record, requests, stats};
use crate::support::{PATIENCE, receiver::Receiver};
use std::time::Duration;
use throughline::{
    Telemetry,
    sender::Signal,
    testing::{
        Fault::{self, *},
        RetryAfter::{Date, Seconds},
    },
};

/// What became of all that was recorded of a signal.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Outcome {
    /// How often the receiver took all of it.
    taken: u64,
    /// Items that it did not take then.
    short: u64,
    delivered: bool,
    /// How often it was sent again without an answer seen.
    repeated: u64,
    /// How many requests came.
    requests: usize,
}

/// Sent again after these faults, then taken.
const fn arrives_after(faults: usize) -> Outcome {
    Outcome { taken: 1, short: 0, delivered: true, repeated: 0, requests: faults + 1 }
}

const ARRIVES: Outcome = arrives_after(1);
/// As that, but nobody can know that it was not taken the first time.
const ARRIVES_IN_DOUBT: Outcome = Outcome { repeated: 1, ..ARRIVES };
/// A success, whatever it looks like.
const AT_ONCE: Outcome = arrives_after(0);
/// Not to be sent again.
const REFUSED: Outcome = Outcome { taken: 0, delivered: false, ..AT_ONCE };
/// Sent again, since nobody can know that it was taken.
const TWICE: Outcome = Outcome { taken: 2, ..ARRIVES_IN_DOUBT };
/// Three faults, of which one took it and two leave it in doubt.
const AFTER_ALL: Outcome = Outcome { taken: 2, repeated: 2, ..arrives_after(3) };
const ALL_BUT_ONE: Outcome = Outcome { short: 1, ..AT_ONCE };
/// Taken, and told in a way that must not be believed; to send it again could only be one too many.
const TAKEN_AND_COUNTED_AS_FAILED: Outcome = Outcome { taken: 1, ..REFUSED };

/// One test for each row: the faults, and the outcome over HTTP and over gRPC.
macro_rules! faults {
    ($($name:ident: $faults:expr => $http:expr, $grpc:expr;)*) => {
        $(#[tokio::test]
        async fn $name() {
            pass(&$faults, [$http, $http, $grpc], &[]).await;
        })*
    };
}

// O-030 to O-035
faults! {
    status_400: [Status(400)] => REFUSED, REFUSED;
    status_401: [Status(401)] => REFUSED, REFUSED;
    status_403: [Status(403)] => REFUSED, REFUSED;
    status_404: [Status(404)] => REFUSED, REFUSED;
    status_408: [Status(408)] => REFUSED, REFUSED;
    status_500: [Status(500)] => REFUSED, REFUSED;
    status_501: [Status(501)] => REFUSED, REFUSED;
    status_429: [Status(429)] => ARRIVES, ARRIVES;
    status_502: [Status(502)] => ARRIVES, ARRIVES;
    status_503: [Status(503)] => ARRIVES, ARRIVES;
    status_504: [Status(504)] => ARRIVES, ARRIVES;
    a_redirect: [Verbatim { status: 307, headers: vec![("location".into(), "/elsewhere".into())], body: vec![] }]
        => REFUSED, REFUSED;
    several_one_after_the_other: [Status(503), LostAnswer, CloseUnread]
        => AFTER_ALL, AFTER_ALL;

    cancelled: [Code(1)] => ARRIVES, ARRIVES;
    unknown: [Code(2)] => REFUSED, REFUSED;
    invalid_argument: [Code(3)] => REFUSED, REFUSED;
    deadline_exceeded: [Code(4)] => ARRIVES, ARRIVES;
    not_found: [Code(5)] => REFUSED, REFUSED;
    already_exists: [Code(6)] => REFUSED, REFUSED;
    permission_denied: [Code(7)] => REFUSED, REFUSED;
    resource_exhausted: [Code(8)] => ARRIVES, REFUSED;
    failed_precondition: [Code(9)] => REFUSED, REFUSED;
    aborted: [Code(10)] => ARRIVES, ARRIVES;
    out_of_range: [Code(11)] => ARRIVES, ARRIVES;
    unimplemented: [Code(12)] => REFUSED, REFUSED;
    internal: [Code(13)] => REFUSED, REFUSED;
    unavailable: [Code(14)] => ARRIVES, ARRIVES;
    data_loss: [Code(15)] => ARRIVES, ARRIVES;
    unauthenticated: [Code(16)] => REFUSED, REFUSED;
    a_code_that_nobody_knows: [Code(99)] => REFUSED, REFUSED;

    closed_unread: [CloseUnread] => ARRIVES_IN_DOUBT, ARRIVES_IN_DOUBT;
    a_lost_answer: [LostAnswer] => TWICE, TWICE;
    a_torn_answer: [TornAnswer] => AT_ONCE, TWICE;
    garbage: [Garbage] => AT_ONCE, AT_ONCE;
    a_web_page: [WrongType] => AT_ONCE, REFUSED;
    an_empty_200: [Empty] => AT_ONCE, REFUSED;
    a_204: [NoContent] => AT_ONCE, REFUSED;
    a_slow_answer: [Slow(Duration::from_millis(10))] => AT_ONCE, AT_ONCE;
    an_oversized_answer: [Oversized(5 << 20)] => AT_ONCE, TAKEN_AND_COUNTED_AS_FAILED;
    one_rejected: [Partial { rejected: 1, message: "too old".into() }] => ALL_BUT_ONE, ALL_BUT_ONE;
    more_rejected_than_sent: [Partial { rejected: 99, message: String::new() }] => REFUSED, REFUSED;
    a_warning: [Partial { rejected: 0, message: "soon too old".into() }] => AT_ONCE, AT_ONCE;
}

/// The wait that is asked for is kept.
macro_rules! waits {
    ($($name:ident: $fault:expr => $http:expr, $grpc:expr;)*) => {
        $(#[tokio::test]
        async fn $name() {
            let pauses = pass(&[$fault], [ARRIVES; 3], &[]).await;
            for (pause, least) in pauses.into_iter().zip([$http, $http, $grpc]) {
                assert!(pause >= Duration::from_millis(least), "{pause:?}, not {least} ms");
            }
        })*
    };
}

// O-032; over gRPC a header of HTTP asks for nothing, and a date has whole seconds
waits! {
    retry_after_in_seconds: Later(503, Seconds(1)) => 1_000, 0;
    retry_after_as_a_date: Later(429, Date(Duration::from_secs(2))) => 1_000, 0;
    retry_after_in_the_past: Later(503, Date(Duration::ZERO)) => 0, 0;
    retry_info: CodeLater(8, Duration::from_millis(1_200)) => 2_000, 1_200;
    retry_info_of_unavailable: CodeLater(14, Duration::from_millis(700)) => 1_000, 700;
}

const SOON: [(&str, &str); 1] = [("OTEL_EXPORTER_OTLP_TIMEOUT", "300")];

#[tokio::test]
async fn an_answer_that_never_comes() {
    pass(&[Hang], [ARRIVES_IN_DOUBT; 3], &SOON).await;
}

#[tokio::test]
async fn an_answer_that_comes_too_slowly() {
    pass(&[Slow(Duration::from_millis(100))], [TWICE; 3], &SOON).await;
}

#[tokio::test]
async fn an_answer_that_comes_late_is_waited_for() {
    for protocol in PROTOCOLS {
        let receiver = Receiver::start();
        receiver.then_times(3, Hang);
        let telemetry = Telemetry::build(config(&receiver, protocol, &[])).unwrap();
        record(&telemetry);
        let handle = telemetry.handle();
        let flush = tokio::spawn(async move { handle.flush(PATIENCE).await });
        assert!(
            receiver
                .until(|receiver| receiver.requests().iter().all(|of| of.items > 0)
                    && receiver.requests().len() == 3)
                .await
        );
        assert!(
            stats(&telemetry.handle()).iter().all(|row| row.queued == row.recorded && row.queued >= ITEMS)
        );
        receiver.release();
        flush.await.unwrap().unwrap();
        judge(&receiver, &telemetry, AT_ONCE, protocol).await;
    }
}

// O-016: halves of what is too large arrive, also of one metric
#[tokio::test]
async fn too_large_at_once() {
    for protocol in PROTOCOLS.into_iter().filter(|protocol| *protocol != "grpc") {
        let receiver = Receiver::start();
        for signal in Signal::ALL {
            receiver.script(signal, 1, Status(413));
        }
        let telemetry = Telemetry::build(config(&receiver, protocol, &[])).unwrap();
        record(&telemetry);
        telemetry.handle().flush(PATIENCE).await.unwrap();
        judge(&receiver, &telemetry, arrives_after(2), protocol).await;
    }
}

#[tokio::test]
async fn nobody_is_there_yet() {
    for protocol in PROTOCOLS {
        let receiver = Receiver::start();
        receiver.refuse();
        let telemetry = Telemetry::build(config(&receiver, protocol, &[])).unwrap();
        record(&telemetry);
        let error = telemetry.handle().flush(Duration::from_millis(300)).await.unwrap_err().to_string();
        assert_eq!(error.matches("Connection refused").count(), 3, "{error}");
        assert!(
            stats(&telemetry.handle()).iter().all(|row| row.queued == row.recorded && row.queued >= ITEMS)
        );
        receiver.recover();
        // Nothing is collected by a flush of what waits: the measurements are those of before.
        assert!(
            receiver.until(|receiver| Signal::ALL.iter().all(|signal| receiver.items(*signal) > 0)).await
        );
        crate::support::until("the statistics", || async {
            telemetry.handle().stats().iter().all(|row| row.queued == 0).then_some(())
        })
        .await;
        judge(&receiver, &telemetry, AT_ONCE, protocol).await;
    }
}

/// Each signal meets these faults; gives the pauses between the first two requests over each protocol.
async fn pass(faults: &[Fault], outcomes: [Outcome; 3], more: &[(&str, &str)]) -> Vec<Duration> {
    let mut pauses = Vec::new();
    for (protocol, outcome) in PROTOCOLS.into_iter().zip(outcomes) {
        let receiver = Receiver::start();
        for signal in Signal::ALL {
            for fault in faults {
                receiver.script(signal, 1, fault.clone());
            }
        }
        let telemetry = Telemetry::build(config(&receiver, protocol, more)).unwrap();
        record(&telemetry);
        let flushed = telemetry.handle().flush(PATIENCE).await;
        assert_eq!(flushed.is_ok(), outcome.delivered && outcome.short == 0, "{protocol}: {flushed:?}");
        judge(&receiver, &telemetry, outcome, protocol).await;
        let spans: Vec<_> = receiver.requests().into_iter().filter(|of| of.path.contains("race")).collect();
        pauses.extend(spans.get(1).map(|second| second.at - spans[0].at));
    }
    pauses
}

/// All three tell the same, of every signal: the receiver, the statistics, and what is measured of ourselves.
async fn judge(receiver: &Receiver, telemetry: &Telemetry, outcome: Outcome, protocol: &str) {
    let rows = stats(&telemetry.handle());
    assert_eq!(rows.len(), 3);
    for row in rows {
        let Outcome { taken, short, delivered, repeated, requests: asked } = outcome;
        // Of measurements, those of ourselves are among them.
        let all = if row.signal == Signal::Metrics { row.recorded } else { ITEMS };
        assert!(row.recorded == all && all >= ITEMS, "{protocol}: {row:?}");
        assert_eq!(receiver.items(row.signal), taken * all - short, "{protocol}: {row:?}");
        let delivered = if delivered { all - short } else { 0 };
        let expected = [delivered, all - delivered, 0, 0, repeated * all];
        let found = [row.delivered, row.failed, row.dropped, row.queued, row.repeated];
        assert_eq!(found, expected, "{protocol}: {row:?}");
        assert_eq!(requests(receiver, row.signal), asked, "{protocol}: {row:?}");
    }
    let twice = outcome.taken.saturating_sub(1) * ITEMS;
    assert_eq!(receiver.repeated_spans(), twice, "{protocol}");
    agree(telemetry, receiver, PATIENCE, protocol).await;
    assert_eq!(receiver.complaints(), [""; 0], "{protocol}");
}
