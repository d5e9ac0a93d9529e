//! A collector as a process of its own, and what it uses.

use std::{
    fs,
    net::{SocketAddr, TcpListener},
    process::{Child, Command, Stdio},
    time::Duration,
};
use tokio::{net::TcpStream, time::sleep};

/// Both batch up to 8,192 spans, 4 MiB less 64 KiB where that can be said, and 200 ms, and keep 256 MiB, or 10,000 requests, in an outage.
pub(crate) enum Peer<'a> {
    Throughline(&'a str),
    /// The same, which divides everything among servers by trace.
    Balanced(&'a str, &'a [SocketAddr]),
    Collector(&'a str),
}

/// Killed in the end.
pub(crate) struct Running {
    pub(crate) address: SocketAddr,
    child: Child,
}

/// Of the process, from the system.
pub(crate) struct Usage {
    /// Seconds of all its threads.
    pub(crate) cpu: f64,
    /// The most bytes of memory so far.
    pub(crate) peak: u64,
}

impl Peer<'_> {
    /// One that sends on, or, if there is nowhere to, ours with its store and view at their defaults, the other one with an
    /// exporter that counts.
    pub(crate) async fn start(&self, to: Option<SocketAddr>, is_gzip: bool) -> Running {
        let free = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
        let address = free.expect("a free port");
        let receiver = format!(
            "receivers: {{otlp: {{protocols: {{grpc: {{endpoint: '{address}', max_recv_msg_size_mib: 64}}}}}}}}\n"
        );
        let compression = if is_gzip { "gzip" } else { "none" };
        let mut command = match (self, to) {
            (Peer::Throughline(path) | Peer::Balanced(path, _), None) => {
                let mut command = Command::new(path);
                command.args(["collect", "--http", "off", "--view", "127.0.0.1:0", "--grpc", &address.to_string()]);
                command
            }
            (Peer::Collector(path), None) => {
                let config = format!(
                    "{receiver}exporters: {{debug: {{verbosity: basic}}}}\n\
                     service:\n  telemetry: {{metrics: {{level: none}}, logs: {{level: error}}}}\n  \
                     pipelines: {{traces: {{receivers: [otlp], exporters: [debug]}}}}\n"
                );
                let mut command = Command::new(path);
                command.arg(format!("--config=yaml:{config}"));
                command
            }
            (Peer::Throughline(path) | Peer::Balanced(path, _), Some(to)) => {
                let mut command = Command::new(path);
                command
                    .args(["collect", "--http", "off", "--view", "off", "--queue-bytes", "268435456"])
                    .args(["--grpc", &address.to_string()])
                    .env("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", format!("http://{to}"))
                    .env("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")
                    .env("OTEL_EXPORTER_OTLP_COMPRESSION", compression);
                if let Peer::Balanced(_, servers) = self {
                    let servers: Vec<String> = servers.iter().map(SocketAddr::to_string).collect();
                    command.args(["--balance", &servers.join(",")]);
                }
                command
            }
            (Peer::Collector(path), Some(to)) => {
                let config = format!(
                    "{receiver}\
                     processors: {{batch: {{send_batch_size: 8192, send_batch_max_size: 8192, timeout: 200ms}}}}\n\
                     exporters: {{otlp_grpc: {{endpoint: '{to}', compression: {compression}, tls: {{insecure: true}}, \
                     sending_queue: {{queue_size: 10000}}, retry_on_failure: {{initial_interval: 250ms}}}}}}\n\
                     service:\n  telemetry: {{metrics: {{level: none}}, logs: {{level: error}}}}\n  \
                     pipelines: {{traces: {{receivers: [otlp], processors: [batch], exporters: [otlp_grpc]}}}}\n"
                );
                let mut command = Command::new(path);
                command.arg(format!("--config=yaml:{config}"));
                command
            }
        };
        let child = command.stdout(Stdio::null()).spawn().expect("the program starts");
        let running = Running { address, child };
        for _ in 0..1000 {
            if TcpStream::connect(address).await.is_ok() {
                return running;
            }
            sleep(Duration::from_millis(10)).await;
        }
        panic!("the peer does not listen");
    }
}

impl Running {
    pub(crate) fn usage(&self) -> Usage {
        let read =
            |name: &str| fs::read_to_string(format!("/proc/{}/{name}", self.child.id())).expect("it runs");
        let stat = read("stat");
        // Behind the name, which may hold anything; then the 14th and 15th of all.
        let fields: Vec<&str> = stat.rsplit(") ").next().unwrap_or_default().split(' ').collect();
        let ticks: u64 = fields[11..=12].iter().map(|field| field.parse::<u64>().expect("a number")).sum();
        let status = read("status");
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("a peak");
        let kib: u64 = peak.trim().trim_end_matches(" kB").parse().expect("a number");
        // A tick is 10 ms on every Linux that is built as usual.
        Usage { cpu: ticks as f64 / 100.0, peak: kib << 10 }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
