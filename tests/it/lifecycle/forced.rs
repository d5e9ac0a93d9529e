//! `force_flush` of the providers that a user takes out, from any thread and runtime.

use crate::support::receiver::Receiver;
use opentelemetry::{
    logs::{AnyValue, LogRecord, Logger, LoggerProvider},
    metrics::{AsyncInstrument, MeterProvider},
    trace::{Tracer, TracerProvider},
};
use opentelemetry_sdk::{error::OTelSdkResult, logs::SdkLoggerProvider, trace::SdkTracerProvider};
use std::{
    sync::{Arc, Mutex},
    thread,
    time::{Duration, Instant},
};
use throughline::{Config, Telemetry, interop::Meters, sender::Signal, testing::Fault};
use tokio::runtime::Builder;

/// What a user takes out, and one of each signal recorded with it.
#[derive(Clone)]
struct Taken {
    tracer: SdkTracerProvider,
    meter: Meters,
    logger: SdkLoggerProvider,
}

impl Taken {
    fn out_of(telemetry: &Telemetry) -> Self {
        Taken {
            tracer: telemetry.tracer_provider().clone(),
            meter: telemetry.meter_provider().clone(),
            logger: telemetry.logger_provider().unwrap().clone(),
        }
    }

    fn record(&self) {
        drop(self.tracer.tracer("test").start("work"));
        self.meter.meter("test").u64_counter("items").build().add(1, &[]);
        let logger = self.logger.logger("test");
        let mut record = logger.create_log_record();
        record.set_body(AnyValue::from("working"));
        logger.emit(record);
    }

    fn flush(&self) -> [OTelSdkResult; 3] {
        [self.tracer.force_flush(), self.meter.force_flush(), self.logger.force_flush()]
    }
}

/// Nothing leaves before it is asked for.
fn build(receiver: &Receiver) -> Telemetry {
    let vars = [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", receiver.http_endpoint()),
        ("OTEL_BSP_SCHEDULE_DELAY", "600000".into()),
        ("OTEL_BLRP_SCHEDULE_DELAY", "600000".into()),
        ("OTEL_METRIC_EXPORT_INTERVAL", "600000".into()),
        ("THROUGHLINE_LOG_OUTPUT", "none".into()),
    ];
    Telemetry::build(Config::from_vars(vars)).unwrap()
}

fn items(receiver: &Receiver) -> [u64; 3] {
    [Signal::Traces, Signal::Metrics, Signal::Logs].map(|signal| receiver.items(signal))
}

fn words(results: [OTelSdkResult; 3]) -> [String; 3] {
    results.map(|result| result.unwrap_err().to_string())
}

#[test]
fn it_delivers_what_was_recorded_from_any_thread_and_runtime() {
    let receiver = Receiver::start();
    let telemetry = build(&receiver);
    let taken = Taken::out_of(&telemetry);
    let deliver = || {
        taken.record();
        for result in taken.flush() {
            result.unwrap();
        }
    };
    deliver();
    assert_eq!(items(&receiver), [1, 1, 1]);
    Builder::new_current_thread().build().unwrap().block_on(async { deliver() });
    assert_eq!(items(&receiver), [2, 2, 2]);
    Builder::new_multi_thread().worker_threads(1).build().unwrap().block_on(async { deliver() });
    assert_eq!(items(&receiver), [3, 3, 3]);
    thread::scope(|scope| drop(scope.spawn(deliver)));
    assert_eq!(items(&receiver), [4, 4, 4]);
}

#[test]
fn its_error_has_the_words_for_what_was_not_delivered() {
    let receiver = Receiver::start();
    receiver.then_always(Fault::Status(400));
    let telemetry = build(&receiver);
    let taken = Taken::out_of(&telemetry);
    taken.record();
    let endpoint = receiver.http_endpoint();
    let refused = |items: &str, path: &str| {
        let words = format!(
            "{items} not delivered: {items} refused: {endpoint}/v1/{path} answered 400 Bad Request: told to"
        );
        format!(r#"InternalFailure("{path}: {words}")"#)
    };
    let [spans, points, records] =
        [refused("1 spans", "traces"), refused("1 data points", "metrics"), refused("1 log records", "logs")];
    let wanted = [
        format!("Operation failed: errs: [Err({spans})]"),
        format!("Operation failed: [{points}]"),
        format!("Operation failed: errs: [Err({records})]"),
    ];
    assert_eq!(words(taken.flush()), wanted);
}

// The SDK's own limit is 5 s.
#[test]
fn it_ends_though_the_other_side_does_not_answer_and_what_it_could_not_deliver_stays_queued() {
    let receiver = Receiver::start();
    receiver.then_always(Fault::Hang);
    let telemetry = build(&receiver);
    let taken = Taken::out_of(&telemetry);
    taken.record();
    let start = Instant::now();
    let error = taken.tracer.force_flush().unwrap_err().to_string();
    assert!(start.elapsed() < Duration::from_secs(20), "{:?}", start.elapsed());
    assert!(error.contains("traces: 1 spans not delivered: "), "{error}");
    assert_eq!(telemetry.handle().stats()[0].queued, 1);
    receiver.release();
}

#[test]
fn a_callback_that_flushes_is_told_that_it_would_wait_for_itself() {
    let receiver = Receiver::start();
    let telemetry = build(&receiver);
    let taken = Taken::out_of(&telemetry);
    let told = Arc::new(Mutex::new(Vec::new()));
    let (inner, heard) = (taken.clone(), told.clone());
    let flush = move |_: &dyn AsyncInstrument<u64>| heard.lock().unwrap().push(words(inner.flush()));
    let _gauge = taken.meter.meter("test").u64_observable_gauge("asked").with_callback(flush).build();
    taken.record();
    for result in taken.flush() {
        result.unwrap();
    }
    let failure = "on a thread of the export a flush would wait for itself; await Handle::flush instead";
    let failure = format!("InternalFailure({failure:?})");
    let wanted = [
        format!("Operation failed: errs: [Err({failure})]"),
        format!("Operation failed: [{failure}]"),
        format!("Operation failed: errs: [Err({failure})]"),
    ];
    assert_eq!(*told.lock().unwrap(), [wanted]);
    assert_eq!(items(&receiver), [1, 1, 1]);
}

#[test]
fn after_the_shutdown_it_says_so_at_once() {
    let receiver = Receiver::start();
    let telemetry = build(&receiver);
    let (taken, handle) = (Taken::out_of(&telemetry), telemetry.handle());
    telemetry.shutdown_blocking(Duration::from_secs(60)).unwrap();
    taken.record();
    let wanted = [
        "Operation failed: errs: [Err(AlreadyShutdown)]",
        "Shutdown already invoked",
        "Operation failed: errs: [Err(AlreadyShutdown)]",
    ];
    assert_eq!(words(taken.flush()), wanted);
    // Nothing of ours is kept alive but what the providers hold.
    drop(handle);
    assert_eq!(words(taken.flush()), wanted);
}
