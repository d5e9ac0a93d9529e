//! The collector and the program around it.

use super::*;
use prost::Message;
use std::{io::Read, net::TcpListener, thread, time::Instant};
use throughline_collector::{Destinations, Disk, Exit, Way, find, keep};
use throughline_sender::{Answer, Signal};

/// A collector at ports that no system gives away by itself, so that nobody takes them once they are free again. Each
/// test has its own thousands of them.
fn start_out_of_the_way(thousands: u16, change: impl Fn(&mut Config)) -> Collector {
    let first = thousands * 1000 + (std::process::id() % 400) as u16 * 10;
    let ports = (first..(thousands + 5) * 1000).step_by(3);
    let at = |port| Some(SocketAddr::from(([127, 0, 0, 1], port)));
    let mut tries = ports.filter_map(|port| {
        let mut config = Config::default();
        (config.grpc, config.http, config.view) = (at(port), at(port + 1), at(port + 2));
        change(&mut config);
        Collector::start(config).ok()
    });
    tries.next().unwrap()
}

#[test]
fn it_runs_without_a_runtime_and_gives_its_ports_back() {
    let collector = start_out_of_the_way(20, |_| ());
    let addresses =
        [collector.grpc_address(), collector.http_address(), collector.view_address()].map(Option::unwrap);
    for address in addresses {
        assert!(TcpListener::bind(address).is_err());
    }
    collector.stop_blocking(std::time::Duration::ZERO).unwrap();
    for address in addresses {
        TcpListener::bind(address).unwrap();
    }
}

#[tokio::test]
async fn it_runs_inside_a_current_thread_runtime_and_stops_when_dropped() {
    let collector = start_out_of_the_way(25, |config| config.grpc = None);
    assert_eq!(collector.grpc_address(), None);
    let address = collector.view_address().unwrap();
    assert_eq!(collector.view_url(), Some(format!("http://{address}/")));
    assert_eq!(collector.trace_url(TRACE_TEXT), Some(format!("http://{address}/trace/{TRACE_TEXT}")));
    drop(collector);
    crate::support::until("a free port", || async { TcpListener::bind(address).ok() }).await;
}

#[test]
fn a_taken_port_is_an_error_at_start_that_names_the_variable() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    for (part, variable) in [
        ("the OTLP/gRPC address", "THROUGHLINE_COLLECTOR_GRPC"),
        ("the OTLP/HTTP address", "THROUGHLINE_COLLECTOR_HTTP"),
        ("the view's address", "THROUGHLINE_COLLECTOR_VIEW"),
    ] {
        let mut config = Config::default();
        (config.grpc, config.http, config.view) = (None, None, None);
        match variable {
            "THROUGHLINE_COLLECTOR_GRPC" => config.grpc = Some(address),
            "THROUGHLINE_COLLECTOR_HTTP" => config.http = Some(address),
            _ => config.view = Some(address),
        }
        let error = Collector::start(config).unwrap_err();
        assert!(error.is_address_in_use());
        assert!(std::error::Error::source(&error).is_some());
        let message = format!(
            "{part} {address} is taken by another program; stop it, or set {variable} to another address or to off"
        );
        assert_eq!(error.to_string(), message);
    }
}

#[test]
fn the_view_refuses_an_address_that_others_can_reach_without_a_token() {
    let mut config = Config::default();
    (config.grpc, config.http, config.view) = (None, None, Some("0.0.0.0:4319".parse().unwrap()));
    let error = Collector::start(config).unwrap_err();
    assert!(!error.is_address_in_use());
    assert_eq!(
        error.to_string(),
        "the view's address 0.0.0.0:4319 can be reached from other machines, and nobody is asked for a token there; \
         set THROUGHLINE_COLLECTOR_VIEW to 127.0.0.1:4319"
    );
}

#[test]
fn an_address_of_another_machine_is_an_error_at_start_in_the_words_of_the_system() {
    let mut config = Config::default();
    (config.grpc, config.http, config.view) = (None, Some(([192, 0, 2, 1], 4318).into()), None);
    let error = Collector::start(config).unwrap_err().to_string();
    let words = "the OTLP/HTTP address 192.0.2.1:4318 cannot be listened on: ";
    assert!(error.starts_with(words) && error.contains("os error"), "{error}");
    assert!(error.ends_with("; set THROUGHLINE_COLLECTOR_HTTP to another address or to off"), "{error}");
}

fn exit(change: impl FnOnce(&mut Exit)) -> Exit {
    let mut exit = Exit::new("out", Way::Network(Destinations::default()));
    change(&mut exit);
    exit
}

#[test]
fn a_bound_of_zero_is_an_error_at_start_that_names_it() {
    type Change = (&'static str, fn(&mut Config));
    let changes: [Change; 15] = [
        ("max_bytes", |config| config.max_bytes = 0),
        ("metric_expiration", |config| config.metric_expiration = Duration::ZERO),
        ("max_traces", |config| config.max_traces = 0),
        ("max_request_bytes", |config| config.max_request_bytes = 0),
        ("request_timeout", |config| config.request_timeout = Duration::ZERO),
        ("max_memory", |config| config.max_memory = Some(0)),
        ("queue_bytes", |config| config.queue_bytes = 0),
        ("batch", |config| config.batch.items = 0),
        ("batch", |config| config.batch.bytes = 0),
        ("max_request_bytes", |config| config.receive.max_request_bytes = Some(0)),
        ("max_requests", |config| config.receive.max_requests = 0),
        ("disk.bytes", |config| config.disk = Some(Disk { bytes: 0, ..Disk::new("d") })),
        ("keep.bytes", |config| {
            let mut keep = keep::Options::of("k");
            keep.bytes = 0;
            config.keep = Some(keep);
        }),
        ("queue_bytes of an exit", |config| config.exits.push(exit(|exit| exit.queue_bytes = Some(0)))),
        ("disk.bytes", |config| {
            config.exits.push(exit(|exit| exit.disk = Some(Disk { bytes: 0, ..Disk::new("d") })));
        }),
    ];
    for (bound, change) in changes {
        let mut config = Config::default();
        (config.grpc, config.http, config.view) = (None, None, None);
        change(&mut config);
        let error = Collector::start(config).unwrap_err();
        assert!(error.to_string().contains(&format!("{bound} is zero")), "{error}");
    }
}

#[test]
fn a_request_is_refused_for_the_bound_that_it_goes_over_and_never_loses_its_own_spans() {
    let collector = start(|config| config.max_traces = 3);
    let inlet = collector.inlet();
    let accept = |ids: &[(u8, u8)]| {
        let spans = ids.iter().map(|(trace, id)| Span { trace_id: vec![*trace; 16], ..span(*id, 0, "x") });
        inlet.accept(Signal::Traces, traces("a", spans.collect()).encode_to_vec().into())
    };
    for trace in 1..=3 {
        assert_eq!(accept(&[(trace, 1)]), Answer::TAKEN);
    }
    assert_eq!(accept(&[(1, 2), (4, 1)]), Answer::TAKEN);
    assert_eq!(collector.trace(&"01".repeat(16)).unwrap().spans.len(), 2);
    assert!(collector.trace(&"02".repeat(16)).is_none());
    let cause = "the request has more traces than are kept, 3; send fewer at a time".to_owned();
    assert_eq!(accept(&[(5, 1), (6, 1), (7, 1), (8, 1)]), Answer::Refused { cause });
}

#[test]
fn the_inlet_takes_rejects_and_refuses_like_the_ports() {
    let collector = start(|config| config.max_request_bytes = 10_000);
    let inlet = collector.inlet();
    let good = traces("a", vec![span(1, 0, "x")]).encode_to_vec();
    assert_eq!(inlet.clone().accept(Signal::Traces, good.clone().into()), Answer::TAKEN);
    assert_eq!(inlet.accept(Signal::Metrics, metrics("a").encode_to_vec().into()), Answer::TAKEN);
    assert_eq!(
        inlet.accept(Signal::Logs, logs("a", vec![log(1, "l")]).encode_to_vec().into()),
        Answer::TAKEN
    );
    let mut bad = span(2, 0, "y");
    bad.span_id.pop();
    let answer = inlet.accept(Signal::Traces, traces("a", vec![bad]).encode_to_vec().into());
    let message = "spans rejected: 1; a span id is not 8 bytes long".to_owned();
    assert_eq!(answer, Answer::Taken { rejected: 1, message });
    for body in [good[..9].to_vec(), vec![0; 10_001]] {
        assert!(matches!(inlet.accept(Signal::Traces, body.into()), Answer::Refused { .. }));
    }
    let trace = collector.trace(TRACE_TEXT).unwrap();
    assert_eq!((trace.spans.len(), trace.logs.len()), (1, 1));
    assert_eq!(collector.counters().refused_requests, 2);
    collector.stop_blocking(std::time::Duration::ZERO).unwrap();
    assert_eq!(inlet.accept(Signal::Traces, good.into()), Answer::TAKEN);
}

#[test]
fn a_running_collector_is_found_at_its_view() {
    let collector = start(|_| ());
    let running = find(collector.view_address().unwrap()).unwrap();
    assert_eq!(running.otlp_http, collector.http_address());
    assert_eq!(running.otlp_grpc, collector.grpc_address());
    assert_eq!(Some(running.view), collector.view_address());
    assert!(!running.version.is_empty());
    let view = running.view;
    collector.stop_blocking(std::time::Duration::ZERO).unwrap();
    assert_ne!(find(view), Some(running));
}

/// Answers one request with a text.
fn impostor(answer: &'static str) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let _ = stream.read(&mut [0; 1000]);
        let _ = stream.write_all(answer.as_bytes());
    });
    address
}

#[test]
fn nobody_leads_telemetry_to_another_machine() {
    let address = impostor(
        "HTTP/1.1 200 OK\r\n\r\n{\"collector\":\"throughline\",\"version\":\"1\",\
         \"otlp_http\":\"203.0.113.5:80\",\"otlp_grpc\":\"0.0.0.0:4317\"}",
    );
    let running = find(address).unwrap();
    assert_eq!(running.otlp_http, None);
    assert_eq!(running.otlp_grpc, Some(SocketAddr::from(([127, 0, 0, 1], 4317))));
}

#[test]
fn whatever_else_is_at_the_address_is_not_found_and_nothing_hangs() {
    let collector = start(|_| ());
    assert_eq!(find(collector.http_address().unwrap()), None);
    let answers: [&'static str; 4] = [
        "",
        "HTTP/1.1 200 OK\r\n\r\n{\"collector\":\"other\",\"version\":\"1\",\"otlp_http\":null,\"otlp_grpc\":null}",
        "HTTP/1.1 200 OK\r\n\r\nhello",
        "x",
    ];
    for answer in answers {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let server = thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let _ = stream.read(&mut [0; 1000]);
            let _ = stream.write_all(answer.as_bytes());
            // One says nothing, one a letter now and then, without end.
            while answer.len() < 2 && stream.write_all(answer.as_bytes()).is_ok() {
                thread::sleep(Duration::from_millis(20));
                if answer.is_empty() && matches!(stream.read(&mut [0; 10]), Ok(0) | Err(_)) {
                    break;
                }
            }
        });
        let begin = Instant::now();
        assert_eq!(find(address), None, "{answer}");
        assert!(begin.elapsed() < Duration::from_secs(10), "{answer:?} {:?}", begin.elapsed());
        server.join().unwrap();
    }
}
