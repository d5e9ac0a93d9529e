use super::*;
use crate::support::{
    child::Process,
    free_port,
    gateway::{self, Authority, GRPC, Gateway},
    peer,
};
use std::{io, pin::Pin};
use throughline::sender::{Compression, Credentials, Discovery, Find, Remote, Secret, Tls};

// Item 9 of the promise: three real ones, of which one is stopped in the middle.
#[tokio::test]
async fn real_collectors_get_whole_traces_while_one_of_them_ends() {
    let remedy = "an OpenTelemetry Collector with otlp receiver and debug exporter";
    let Some(otelcol) = peer("real collectors behind a balance", "THROUGHLINE_TEST_OTELCOL", remedy) else {
        return;
    };
    let directory = Directory::new();
    std::fs::create_dir_all(&directory.0).unwrap();
    let ports = [free_port(), free_port(), free_port()];
    let mut peers = Vec::from_iter(ports.map(|port| {
        let path = directory.0.join(port.to_string());
        let text = format!(
            "receivers: {{otlp: {{protocols: {{grpc: {{endpoint: '127.0.0.1:{port}'}}}}}}}}\nexporters: {{debug: {{verbosity: detailed}}}}\n\
             service:\n  telemetry: {{metrics: {{level: none}}}}\n  pipelines: {{traces: {{receivers: [otlp], exporters: [debug]}}}}\n"
        );
        std::fs::write(&path, text).unwrap();
        Process::start(&otelcol, &["--config", &path.display().to_string()], &[])
    }));
    for peer in &peers {
        peer.line(&["Everything is ready"]).await;
    }
    let remotes =
        ports.map(|port| Remote::new(Protocol::Grpc, format!("http://127.0.0.1:{port}").parse().unwrap()));
    let collector = start(vec![Destination::Balanced(Balance::between(remotes))], |_| {});
    let address = collector.http_address().unwrap();
    for number in 0..5 {
        assert_eq!(post(address, traces(number * 200..(number + 1) * 200)).await.0, 200);
    }
    delivered(&collector, 1000).await;
    peers[2].terminate();
    peers[2].ended().await;
    for number in 5..10 {
        assert_eq!(post(address, traces(number * 200..(number + 1) * 200)).await.0, 200);
    }
    delivered(&collector, 2000).await;
    let told = |process: &Process| {
        let lines = process.lines();
        let ids = lines.iter().filter_map(|line| line.trim().strip_prefix("Trace ID       : "));
        let mut traces = BTreeMap::<String, usize>::new();
        ids.for_each(|id| *traces.entry(id.to_owned()).or_default() += 1);
        traces
    };
    let printed = || async {
        let count = peers.iter().map(|peer| told(peer).values().sum::<usize>()).sum::<usize>();
        (count >= 2000).then_some(())
    };
    until("two thousand spans printed", printed).await;
    let at: Vec<_> = peers.iter().map(told).collect();
    assert!(at.iter().flat_map(BTreeMap::values).all(|spans| *spans == SPANS as usize), "{at:?}");
    assert_eq!(at.iter().map(BTreeMap::len).sum::<usize>(), 500);
    assert!(
        at.iter().all(|traces| traces.len() > 50),
        "{:?}",
        at.iter().map(BTreeMap::len).collect::<Vec<_>>()
    );
}

/// Servers whose addresses are known, and whose name is not theirs alone.
struct Known(Vec<SocketAddr>);

impl Find for Known {
    fn find(&self) -> Pin<Box<dyn Future<Output = io::Result<Vec<SocketAddr>>> + Send + '_>> {
        Box::pin(async { Ok(self.0.clone()) })
    }
}

#[tokio::test]
async fn each_server_shows_the_certificate_of_their_common_name_and_is_shown_who_sends() {
    let (receivers, authority, directory) =
        ([Receiver::start(), Receiver::start()], Authority::new(), gateway::Directory::new());
    let file = directory.write("authority.pem", authority.pem());
    let mut gateways = Vec::new();
    for receiver in &receivers {
        let identity = authority.identity("collectors.example");
        gateways.push(Gateway::start(receiver.grpc_address(), GRPC, &identity, None).await);
    }
    let mut remote = Remote::new(Protocol::Grpc, "https://collectors.example".parse().unwrap());
    remote.tls = Tls { certificate: Some(file), ..Tls::default() };
    remote.credentials = Some(Credentials::Bearer(Secret::value("hush")));
    remote.compression = Compression::Gzip;
    let known = Known(gateways.iter().map(|gateway| gateway.address).collect());
    let balance = Balance::found(Discovery::new(remote, known));
    let collector = start(vec![Destination::Balanced(balance)], |_| {});
    assert_eq!(post(collector.http_address().unwrap(), traces(0..400)).await.0, 200);
    delivered(&collector, 400).await;
    for receiver in &receivers {
        assert!(receiver.items(Signal::Traces) > 100 && receiver.complaints().is_empty());
        for request in receiver.requests() {
            assert_eq!(
                (&request.headers["authorization"], &request.headers["grpc-encoding"]),
                (&http::HeaderValue::from_static("Bearer hush"), &http::HeaderValue::from_static("gzip"),)
            );
        }
    }
    assert!(gateways.iter().all(|gateway| gateway.clients() == [None]));
}
