//! Whatever stands in a variable: nothing panics, spins, hangs or tells a secret.

use crate::{
    delivery::{counts, record, traces},
    support::{PATIENCE, child::path, gateway::Directory, receiver::Receiver},
};
use opentelemetry::{
    metrics::MeterProvider,
    trace::{Tracer, TracerProvider},
};
use proptest::{prelude::*, sample::select};
use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};
use throughline::{
    Config, Telemetry,
    config::env::{Kind, VARIABLES, Variable},
    sender::{Signal, basic},
    testing::Fault,
};
use tokio::{process::Command, task::JoinHandle, time::timeout};

/// Every form of every variable.
fn names() -> Vec<String> {
    let forms = |variable: &Variable| {
        Signal::ALL
            .map(Some)
            .into_iter()
            .chain([None])
            .map(|signal| variable.name_for(signal))
            .collect::<Vec<_>>()
    };
    Vec::from_iter(VARIABLES.iter().flat_map(forms).collect::<BTreeSet<String>>())
}

/// What people and machines write: near to right, far from it, and too much of it.
fn value() -> impl Strategy<Value = String> {
    let words: Vec<&str> = VARIABLES
        .iter()
        .flat_map(|variable| match variable.kind {
            Kind::Choice(words) | Kind::Choices(words) => words.to_vec(),
            _ => vec![variable.default],
        })
        .collect();
    prop_oneof![
        any::<String>(),
        any::<i128>().prop_map(|number| number.to_string()),
        any::<u16>().prop_map(|number| number.to_string()),
        any::<f64>().prop_map(|number| number.to_string()),
        select(words).prop_map(str::to_owned),
        "[a-z0-9=,;:%/@. \\[\\]*!-]{0,40}",
        "(https?|grpc|unix)://[a-z0-9:@/?#%.\\[\\]-]{0,30}",
        "[a-z%0-9]{1,6}".prop_map(|text| [text.as_str(); 400].join(",")),
    ]
}

/// Everything that a configuration tells of itself.
fn told(config: &Config) -> String {
    let settings: Vec<String> = config.settings().map(ToString::to_string).collect();
    let faults: Vec<String> = config.faults().iter().map(ToString::to_string).collect();
    let places = Signal::ALL.map(|signal| config.export(signal).to_string());
    format!("{config:?}\n{settings:?}\n{faults:?}\n{places:?}\n{:?}\n{:#?}", config.check(), config)
}

/// What the SDK, the sender and the layers rely on.
fn is_sane(config: &Config) -> bool {
    let exports = Signal::ALL.map(|signal| config.export(signal));
    let batches = exports.iter().all(|of| of.max_batch > 0 && of.max_batch <= of.max_queue);
    let delays = exports.iter().all(|of| of.schedule_delay.is_none_or(|delay| !delay.is_zero()));
    batches && delays && config.queue.bytes > 0 && config.queue.directory_bytes > 0
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_500, failure_persistence: None, ..ProptestConfig::default() })]

    // O-090
    #[test]
    fn any_value_makes_a_sane_configuration_and_faults_name_their_variable(
        vars in prop::collection::vec((select(names()), value()), 1..4)
    ) {
        let config = Config::from_vars(vars.clone());
        prop_assert!(is_sane(&config), "{config:?}");
        for fault in config.faults() {
            let named = vars.iter().any(|(name, _)| fault.variable == *name);
            prop_assert!(named, "{fault}");
            prop_assert!(!fault.to_string().chars().any(char::is_control), "{fault:?}");
        }
        // What fails the start says why.
        for place in Signal::ALL.map(|signal| config.export(signal).to_string()) {
            if let Some(variable) = place.strip_prefix("nowhere (").and_then(|rest| rest.strip_suffix(" cannot be understood)")) {
                prop_assert!(config.faults().iter().any(|fault| fault.variable == variable), "{place}");
            }
        }
    }

    // O-093
    #[test]
    fn what_is_secret_is_never_told(
        name in select(names()),
        before in "[ -~]{0,12}",
        after in "[ -~\n\u{e4}]{0,12}",
        query in "[a-z]{1,5}",
    ) {
        let variable = VARIABLES.iter().find(|of| Signal::ALL.map(Some).into_iter().chain([None]).any(|signal| of.name_for(signal) == name)).unwrap();
        // Behind a slash an `@` is part of the path, and what stands before it is the host.
        let user = format!("{before}hush{after}");
        let authority = user.split(['/', '?', '#']).next().unwrap();
        let is_user = authority.rsplit_once('@').is_some_and(|(user, _)| user.contains("hush"));
        let value = match variable.kind {
            Kind::Secret => format!("{before}hush{after}"),
            // The names of headers are told.
            Kind::SecretPairs => format!("x-key={}hush{after}", before.replace(',', "")),
            Kind::Url if is_user => format!("https://{user}"),
            Kind::Url => format!("https://c:4318/x?{query}=hush&{query}"),
            _ => return Ok(()),
        };
        for beside in [None, Some(("THROUGHLINE_OTLP_USERNAME", "user")), Some(("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"))] {
            let config = Config::from_vars(beside.into_iter().chain([(&*name, &*value)]));
            prop_assert!(!told(&config).contains("hush"), "{}: {}", value, told(&config));
        }
    }
}

/// Values at which something somewhere spun, hung or lost everything.
pub(super) const ODD: [&str; 13] = [
    "0",
    "-1",
    "1",
    "4294967296",
    "18446744073709551615",
    "1e9",
    "NaN",
    "\0",
    "%zz",
    ",",
    "true",
    "off",
    "\u{202e}é",
];

/// What stands beside an odd value.
pub(super) fn base(endpoint: String) -> [(&'static str, String); 5] {
    [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint),
        ("THROUGHLINE_COLLECTOR_GRPC", "127.0.0.1:0".into()),
        ("THROUGHLINE_COLLECTOR_HTTP", "127.0.0.1:0".into()),
        ("THROUGHLINE_COLLECTOR_VIEW", "127.0.0.1:0".into()),
        ("THROUGHLINE_LOG_OUTPUT", "none".into()),
    ]
}

/// A directory is made where it says; a measurement each millisecond is what is asked for.
pub(super) fn meant(name: &str, value: &str) -> bool {
    name == "THROUGHLINE_QUEUE_DIRECTORY" || (name == "OTEL_METRIC_EXPORT_INTERVAL" && value == "1")
}

// No variable of the table makes the process spin or hang: one span, one measurement, one flush.
#[test]
fn no_value_makes_a_start_a_flush_or_a_shutdown_spin_or_hang() {
    let receiver = Receiver::start();
    let base = base(receiver.http_endpoint());
    for variable in VARIABLES {
        for value in ODD {
            let names = BTreeSet::from([None, Some(Signal::Traces)].map(|signal| variable.name_for(signal)));
            for name in names.into_iter().filter(|name| !meant(name, value)) {
                let before = receiver.requests().len();
                let vars =
                    base.iter().map(|(name, value)| (*name, value.as_str())).chain([(name.as_str(), value)]);
                // Some fail the start, and say so.
                let Ok(telemetry) = Telemetry::build(Config::from_vars(vars)) else { continue };
                drop(telemetry.tracer_provider().tracer("test").start("work"));
                telemetry.meter_provider().meter("test").u64_counter("c").build().add(1, &[]);
                let start = Instant::now();
                // What is lost or not yet sent is told; here only that it ends counts.
                let _ = telemetry.shutdown_blocking(Duration::from_millis(200));
                assert!(start.elapsed() < PATIENCE, "{name}={value:?}");
                let requests = receiver.requests().len() - before;
                assert!(requests <= 4, "{name}={value:?}: {requests} requests for a span and a measurement");
            }
        }
    }
}

#[test]
fn no_size_of_the_queue_makes_a_shutdown_in_an_outage_hang_or_lose_anything_unseen() {
    let (receiver, directory) = (Receiver::start(), Directory::new());
    receiver.then_always(Fault::Status(503));
    let (endpoint, path) = (receiver.http_endpoint(), directory.path().display().to_string());
    let base = [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", &*endpoint),
        ("OTEL_METRICS_EXPORTER", "none"),
        ("THROUGHLINE_QUEUE_DIRECTORY", &*path),
        ("THROUGHLINE_LOG_OUTPUT", "none"),
    ];
    let mut before = 0;
    for name in ["THROUGHLINE_QUEUE_BYTES", "THROUGHLINE_QUEUE_DIRECTORY_BYTES"] {
        for value in ODD {
            let start =
                || Telemetry::build(Config::from_vars(base.into_iter().chain([(name, value)]))).unwrap();
            let (mut telemetry, limit) = (start(), Instant::now() + PATIENCE);
            // What a busy machine still writes for the one before is locked.
            while traces(&telemetry).adopted != before && Instant::now() < limit {
                telemetry = start();
            }
            let adopted = traces(&telemetry).adopted;
            assert_eq!(adopted, before, "{name}={value:?}");
            record(&telemetry, 3);
            let (handle, start) = (telemetry.handle(), Instant::now());
            // Where there is no room, the loss is an error.
            let shut = telemetry.shutdown_blocking(Duration::from_millis(100));
            assert!(start.elapsed() < PATIENCE, "{name}={value:?}");
            let stats = &handle.stats()[0];
            let [recorded, _, failed, dropped, queued] = counts(stats);
            assert_eq!((recorded, failed, queued), (adopted + 3, 0, stats.on_disk), "{name}={value:?}");
            assert_eq!(shut.is_err(), dropped > 0, "{name}={value:?}: {shut:?}");
            before = stats.on_disk;
        }
    }
    assert!(before > 0);
}

/// All that the example says, whether it starts or not.
fn said(vars: &[(&str, &str)]) -> JoinHandle<String> {
    let mut command = Command::new(path("job"));
    command.env_clear().envs(vars.iter().copied()).env("RUST_LOG", "trace").kill_on_drop(true);
    tokio::spawn(async move {
        let output = timeout(PATIENCE, command.output()).await.unwrap().unwrap();
        String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned()
    })
}

// O-093, O-035
#[tokio::test]
async fn a_program_that_fails_to_start_or_to_send_prints_no_secret() {
    const SECRET: &str = "hush-9f3a";
    let receiver = Receiver::setup().basic("user", "another").start();
    let (http, grpc) = (receiver.http_endpoint(), receiver.grpc_endpoint());
    let with_user = http.replace("http://", "http://user:hush-9f3a@") + "/?key=hush-9f3a";
    let basic = basic("user", SECRET).to_str().unwrap().to_owned();
    let secrets = [
        ("THROUGHLINE_OTLP_USERNAME", "user"),
        ("THROUGHLINE_OTLP_PASSWORD", SECRET),
        ("OTEL_EXPORTER_OTLP_METRICS_HEADERS", "authorization=Bearer%20hush-9f3a,x-key=hush-9f3a"),
        ("OTEL_EXPORTER_OTLP_HEADERS_AUTHORIZATION", "Bearer hush-9f3a"),
        ("THROUGHLINE_OTLP_LOGS_TOKEN", SECRET),
        ("OTEL_LOG_LEVEL", "trace"),
        ("OTEL_BSP_SCHEDULE_DELAY", "1"),
    ];
    let endpoint = "OTEL_EXPORTER_OTLP_ENDPOINT";
    let cases: [&[(&str, &str)]; 13] = [
        &[(endpoint, &http)],
        &[(endpoint, &grpc), ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")],
        &[(endpoint, &with_user)],
        &[(endpoint, "http://127.0.0.1:9")],
        &[(endpoint, "https://127.0.0.1:9")],
        &[(endpoint, "http://user:hush-9f3a/x@c:4318")],
        &[(endpoint, "hush-9f3a;c")],
        &[(endpoint, "hush-9f3a")],
        &[
            (endpoint, &http),
            ("OTEL_EXPORTER_OTLP_HEADERS", "authorization:hush-9f3a, =hush-9f3a,a=hush-9f3a%0A"),
        ],
        &[(endpoint, &http), ("THROUGHLINE_OTLP_TRACES_TOKEN", "hush-9f3a\u{7f}")],
        &[(endpoint, "https://c"), ("OTEL_EXPORTER_OTLP_CERTIFICATE", "/no/such/file")],
        &[(endpoint, &http), ("THROUGHLINE_OTLP_TRACES_PASSWORD_FILE", "/no/such/file")],
        &[(endpoint, &http), ("OTEL_TRACES_EXPORTER", "console,otlp"), ("OTEL_LOGS_EXPORTER", "otlp/stdout")],
    ];
    // All at once: some wait for a server that does not answer.
    let running = cases.map(|case| (case, said(&[&secrets[..], case].concat())));
    for (case, said) in running {
        let said = said.await.unwrap();
        assert!(said.lines().count() > 0, "{case:?}");
        let told = [SECRET, "9f3a", basic.trim_start_matches("Basic ")]
            .into_iter()
            .find(|secret| said.contains(secret));
        assert_eq!(told, None, "{case:?}: {said}");
    }
    // They were indeed sent.
    let sent = receiver.requests();
    assert!(sent.iter().any(|request| request.headers.values().any(|value| value == basic.as_str())));
}
