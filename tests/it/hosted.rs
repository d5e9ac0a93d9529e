//! A real nginx as the gateway of a hosted backend: TLS with a private authority, basic authentication, a path of its own, a
//! limit of size. What Grafana Cloud's OTLP endpoint asks for, which cannot be had here.

use crate::support::{
    PATIENCE,
    child::Process,
    free_port,
    gateway::{Authority, Directory},
    peer,
    receiver::{Decoded, Receiver},
    until,
};
use opentelemetry::{
    KeyValue,
    metrics::MeterProvider,
    trace::{Span, Tracer, TracerProvider},
};
use std::net::SocketAddr;
use throughline::{
    Config, Telemetry,
    probe::probe,
    sender::{Destination, Signal},
};

/// The most that a request may hold: a small gateway's.
const MOST_BYTES: usize = 16 << 10;

/// nginx before a receiver.
struct Nginx {
    program: String,
    address: SocketAddr,
    running: Option<Process>,
    directory: Directory,
}

impl Nginx {
    async fn start(program: String, to: SocketAddr) -> Self {
        let address = SocketAddr::from(([127, 0, 0, 1], free_port()));
        let (directory, authority) = (Directory::new(), Authority::new());
        let identity = authority.identity("localhost");
        for (name, text) in [
            ("authority.pem", authority.pem()),
            ("certificate.pem", identity.certificate),
            ("key.pem", identity.key),
            ("users", "1234:{PLAIN}glc_token\n".into()),
            ("nginx.conf", configuration(address, to, &directory.path().display().to_string())),
        ] {
            directory.write(name, text);
        }
        let mut nginx = Nginx { program, address, running: None, directory };
        nginx.open().await;
        nginx
    }

    async fn open(&mut self) {
        let (prefix, configuration) = (self.directory.path().display().to_string(), self.path("nginx.conf"));
        let arguments = ["-p", &prefix, "-c", &configuration, "-e", "stderr"];
        self.running = Some(Process::start(&self.program, &arguments, &[]));
        until("nginx to listen", || async { tokio::net::TcpStream::connect(self.address).await.ok() }).await;
    }

    async fn close(&mut self) {
        let mut running = self.running.take().unwrap();
        running.terminate();
        running.ended().await;
    }

    fn path(&self, name: &str) -> String {
        self.directory.path().join(name).display().to_string()
    }

    fn config(&self, token: &str) -> Config {
        let (port, authority) = (self.address.port(), self.path("authority.pem"));
        let config = Config::from_vars([
            ("OTEL_SERVICE_NAME", "cart"),
            ("OTEL_EXPORTER_OTLP_ENDPOINT", format!("https://localhost:{port}/otlp").as_str()),
            ("OTEL_EXPORTER_OTLP_CERTIFICATE", authority.as_str()),
            ("OTEL_EXPORTER_OTLP_COMPRESSION", "gzip"),
            ("THROUGHLINE_OTLP_USERNAME", "1234"),
            ("THROUGHLINE_OTLP_TOKEN", token),
        ]);
        assert_eq!(config.faults(), []);
        config
    }
}

fn configuration(address: SocketAddr, to: SocketAddr, directory: &str) -> String {
    let scratch: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .map(|kind| format!("{kind}_temp_path {directory}/{kind};\n"))
        .concat();
    format!(
        "daemon off;\nmaster_process off;\nerror_log stderr;\npid {directory}/pid;\nevents {{}}\n\
         http {{\naccess_log off;\n{scratch}\
         server {{\nlisten {address} ssl;\nssl_certificate {directory}/certificate.pem;\n\
         ssl_certificate_key {directory}/key.pem;\nclient_max_body_size {MOST_BYTES};\n\
         auth_basic otlp;\nauth_basic_user_file {directory}/users;\n\
         location /otlp/ {{ proxy_pass http://{to}/; }}\n}}\n}}\n"
    )
}

fn record(telemetry: &Telemetry, name: &str) {
    drop(telemetry.tracer_provider().tracer("shop").start(name.to_owned()));
}

fn program(test: &str) -> Option<String> {
    peer(test, "THROUGHLINE_TEST_NGINX", "nginx-light of Debian")
}

// B-030, B-031, O-002, O-011, O-013, O-052, E-20
#[tokio::test]
async fn everything_arrives_through_tls_and_basic_authentication() {
    let Some(program) = program("a gateway is passed") else { return };
    let receiver = Receiver::start();
    let nginx = Nginx::start(program, receiver.http_address()).await;
    let config = nginx.config("glc_token");
    for finding in probe(&config).await {
        assert_eq!((&finding.fault, &finding.advice), (&None, &None), "{finding}");
    }
    let telemetry = Telemetry::build(config).unwrap();
    record(&telemetry, "order");
    telemetry.meter_provider().meter("shop").u64_counter("orders").build().add(1, &[]);
    telemetry.shutdown(PATIENCE).await.unwrap();
    assert_eq!(receiver.complaints(), [""; 0]);
    assert_eq!((receiver.spans().len(), receiver.items(Signal::Metrics) > 0), (1, true));
    let sent: Vec<_> = receiver.requests().into_iter().filter(|arrival| arrival.items > 0).collect();
    assert!(sent.iter().all(|arrival| arrival.headers["authorization"] == "Basic MTIzNDpnbGNfdG9rZW4="));
    assert!(sent.iter().all(|arrival| arrival.compression.as_deref() == Some("gzip")), "{sent:?}");
}

// O-035, O-093
#[tokio::test]
async fn a_wrong_token_and_a_foreign_authority_are_named_and_counted() {
    let Some(program) = program("a gateway refuses") else { return };
    let receiver = Receiver::start();
    let nginx = Nginx::start(program, receiver.http_address()).await;
    let telemetry = Telemetry::build(nginx.config("glc_wrong")).unwrap();
    record(&telemetry, "order");
    let handle = telemetry.handle();
    let error = handle.flush(PATIENCE).await.unwrap_err().to_string();
    let words =
        format!("https://localhost:{}/otlp/v1/traces answered 401 Unauthorized", nginx.address.port());
    assert!(error.contains(&words) && error.contains("check the user, the token"), "{error}");
    assert!(!error.contains("glc_wrong"), "{error}");
    let stats = handle.stats();
    assert_eq!((stats[0].recorded, stats[0].failed, stats[0].delivered), (1, 1, 0));
    drop(telemetry);

    let mut config = nginx.config("glc_token");
    for export in [&mut config.traces, &mut config.metrics, &mut config.logs] {
        let Destination::Remote(remote) = &mut export.destinations[0] else { panic!("a gateway") };
        remote.tls.certificate = None; // the system's roots know nothing of it
    }
    for finding in probe(&config).await {
        let fault = finding.fault.as_deref().unwrap_or_default();
        assert!(fault.contains("certificate"), "{finding}");
    }
    assert_eq!(receiver.items(Signal::Traces), 0);
}

// O-030, O-037
#[tokio::test]
async fn what_was_recorded_while_the_gateway_was_away_arrives_once_when_it_is_back() {
    let Some(program) = program("a gateway comes back") else { return };
    let receiver = Receiver::start();
    let mut nginx = Nginx::start(program, receiver.http_address()).await;
    let telemetry = Telemetry::build(nginx.config("glc_token")).unwrap();
    record(&telemetry, "before");
    telemetry.handle().flush(PATIENCE).await.unwrap();
    nginx.close().await;
    record(&telemetry, "meanwhile");
    until("a failed attempt", || async {
        telemetry.handle().stats()[0].last_failure.clone().filter(|fault| fault.contains("cannot reach"))
    })
    .await;
    nginx.open().await;
    record(&telemetry, "after");
    telemetry.shutdown(PATIENCE).await.unwrap();
    let mut names: Vec<_> = receiver.spans().into_iter().map(|(_, span)| span.name).collect();
    names.sort();
    assert_eq!(names, ["after", "before", "meanwhile"]);
    assert_eq!(receiver.repeated_spans(), 0);
}

// O-016: nginx answers 413
#[tokio::test]
async fn a_batch_that_is_too_large_for_the_gateway_arrives_in_pieces() {
    let Some(program) = program("a gateway finds a batch too large") else { return };
    let receiver = Receiver::start();
    let nginx = Nginx::start(program, receiver.http_address()).await;
    let mut config = nginx.config("glc_token");
    for export in [&mut config.traces, &mut config.metrics, &mut config.logs] {
        let Destination::Remote(remote) = &mut export.destinations[0] else { panic!("a gateway") };
        remote.compression = throughline::sender::Compression::None;
    }
    let telemetry = Telemetry::build(config).unwrap();
    for number in 0..40 {
        let mut span = telemetry.tracer_provider().tracer("shop").start("order");
        span.set_attribute(KeyValue::new("note", format!("{number}{}", "x".repeat(1 << 10))));
    }
    let handle = telemetry.handle();
    telemetry.shutdown(PATIENCE).await.unwrap();
    let stats = &handle.stats()[0];
    assert_eq!((stats.recorded, stats.delivered, stats.failed, stats.dropped), (40, 40, 0, 0));
    assert_eq!((receiver.spans().len(), receiver.repeated_spans()), (40, 0));
    assert!(receiver.requests().iter().all(|arrival| arrival.bytes <= MOST_BYTES));
}
