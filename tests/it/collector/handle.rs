//! The collector and the program around it.

use super::*;
use prost::Message;
use std::{io::Read, net::TcpListener, thread, time::Instant};
use throughline_collector::find;
use throughline_sender::{Answer, Signal};

#[test]
fn it_runs_without_a_runtime_and_gives_its_ports_back() {
    let collector = start(|_| ());
    let addresses =
        [collector.grpc_address(), collector.http_address(), collector.view_address()].map(Option::unwrap);
    for address in addresses {
        assert!(TcpListener::bind(address).is_err());
    }
    collector.stop();
    for address in addresses {
        TcpListener::bind(address).unwrap();
    }
}

#[tokio::test]
async fn it_runs_inside_a_current_thread_runtime_and_stops_when_dropped() {
    let collector = start(|config| config.grpc = None);
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
        ("grpc", "THROUGHLINE_COLLECTOR_GRPC"),
        ("http", "THROUGHLINE_COLLECTOR_HTTP"),
        ("view", "THROUGHLINE_COLLECTOR_VIEW"),
    ] {
        let mut config = Config::default();
        (config.grpc, config.http, config.view) = (None, None, None);
        match part {
            "grpc" => config.grpc = Some(address),
            "http" => config.http = Some(address),
            _ => config.view = Some(address),
        }
        let error = Collector::start(config).unwrap_err();
        assert!(error.is_address_in_use());
        assert!(std::error::Error::source(&error).is_some());
        let message = format!(
            "{part}: {address} is taken by another program; stop it or choose another address ({variable})"
        );
        assert_eq!(error.to_string(), message);
    }
}

#[test]
fn the_view_refuses_an_address_that_others_can_reach() {
    let mut config = Config::default();
    (config.grpc, config.http, config.view) = (None, None, Some("0.0.0.0:4319".parse().unwrap()));
    let error = Collector::start(config).unwrap_err();
    assert!(!error.is_address_in_use());
    assert_eq!(
        error.to_string(),
        "view: 0.0.0.0:4319 can be reached from other machines, and the view has no authentication yet; \
         use 127.0.0.1:4319 (THROUGHLINE_COLLECTOR_VIEW)"
    );
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
    collector.stop();
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
    collector.stop();
    assert_eq!(find(view), None);
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
        assert!(begin.elapsed() < Duration::from_secs(3), "{answer:?} {:?}", begin.elapsed());
        server.join().unwrap();
    }
}
