//! `throughline collect`.

mod access; // who may send
mod agent; // all of it from a file
mod bounds; // how much, how long, and where it waits
mod telling; // what it says
mod variables; // what the command line does not say

use access::Access;
use bounds::Bounds;
use clap::{Args, ValueEnum};
use std::{
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    path::PathBuf,
    process::ExitCode,
    str::FromStr,
    time::Duration,
};
use telling::{Told, announce, tell};
use throughline::{
    Config, Telemetry,
    collector::{self, Collector, Destination, Until, debug, file, keep},
    config::Between,
    sender::{Key, Remote, Signal},
    stop_signal,
};
pub(crate) use variables::with_variables;

/// Warnings as log lines on stderr, but for those of destinations, which it tells itself, and no telemetry of its own.
const VOICE: [(&str, &str); 5] = [
    ("OTEL_TRACES_EXPORTER", "none"),
    ("OTEL_METRICS_EXPORTER", "none"),
    ("OTEL_LOGS_EXPORTER", "none"),
    ("THROUGHLINE_LOG_OUTPUT", "stderr"),
    ("RUST_LOG", "throughline=warn,throughline::destination=off"),
];

/// How often it looks for faults to tell.
const LOOK: Duration = Duration::from_secs(1);

/// Takes OTLP over gRPC and HTTP, shows it in a browser, and sends it to where `OTEL_EXPORTER_OTLP_ENDPOINT` and the
/// other variables of the standard say; to nowhere if none is set. Each option is also a variable: `--max-memory` is
/// `THROUGHLINE_COLLECTOR_MAX_MEMORY`, with commas where it may be given several times, and `--queue-bytes` is
/// `THROUGHLINE_QUEUE_BYTES`. Options win over variables. At SIGTERM or ctrl-c it delivers what it has. Ends with 0 if nothing of that was
/// lost, else with 1.
#[derive(Args)]
pub(crate) struct Options {
    /// A configuration of the OpenTelemetry Collector, or Helm values with one: it says all but where the view is.
    #[arg(long, value_name = "FILE", conflicts_with_all = [
        "grpc", "http", "health", "prometheus", "metric_expiration", "balance", "acknowledge", "debug", "file", "keep",
        "Access", "Bounds", "env_file",
    ])]
    config: Option<PathBuf>,
    /// Only says what the configuration comes to, and what is wrong in it: ends with 0 if it can be used, else with 1.
    #[arg(long, requires = "config")]
    check: bool,
    /// Where OTLP/gRPC is taken, or off [default: 127.0.0.1:4317].
    #[arg(long, value_name = "ADDRESS")]
    grpc: Option<Place>,
    /// Where OTLP/HTTP is taken, or off [default: 127.0.0.1:4318].
    #[arg(long, value_name = "ADDRESS")]
    http: Option<Place>,
    /// Where the view is, or off; where other machines reach it, it asks for a token, which is printed with its address
    /// [default: 127.0.0.1:4319].
    #[arg(long, value_name = "ADDRESS")]
    view: Option<Place>,
    /// Where `GET /` is answered with 200 while telemetry is taken, for probes [default: off].
    #[arg(long, value_name = "ADDRESS")]
    health: Option<Place>,
    /// Where Prometheus fetches the measurements of all services, at /metrics [default: off].
    #[arg(long, value_name = "ADDRESS")]
    prometheus: Option<Place>,
    /// How old the newest point of a series may be on that page, in seconds [default: 300].
    #[arg(long, value_name = "SECONDS")]
    metric_expiration: Option<u64>,
    /// Servers among which everything is divided, so that a trace goes to one of them: host:port of each, with commas
    /// between them, or dns:host:port for all addresses of a name. In the place of the host of each destination
    /// [default: none].
    #[arg(long, value_name = "SERVERS")]
    balance: Option<Between>,
    /// What goes to one of them, if there are several.
    #[arg(long, value_enum, value_name = "KEY", default_value_t = Together::Trace)]
    balance_by: Together,
    /// When a request is acknowledged.
    #[arg(long, value_enum, default_value_t = Acknowledge::Queued)]
    acknowledge: Acknowledge,
    /// Shows everything that is taken on stdout: counts, a line for each item, or all that they hold [default: nothing].
    #[arg(
        long,
        value_enum,
        value_name = "VERBOSITY",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "basic"
    )]
    debug: Option<Verbosity>,
    /// Writes everything that is taken to this file, as OTLP in JSON, one request a line [default: none].
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
    /// How large that file may become, in bytes; then the next one begins [default: 104857600].
    #[arg(long, value_name = "BYTES", requires = "file")]
    file_bytes: Option<u64>,
    /// How many such files there are at most; the newest stay [default: 5].
    #[arg(long, value_name = "COUNT", requires = "file")]
    file_count: Option<u32>,
    /// Keeps what the view shows in this directory too, so that it is there after the next start [default: none].
    #[arg(long, value_name = "DIRECTORY")]
    keep: Option<PathBuf>,
    /// Bytes of what is kept in that directory; of more, the newest [default: 268435456].
    #[arg(long, value_name = "BYTES", requires = "keep")]
    keep_bytes: Option<u64>,
    #[command(flatten)]
    access: Access,
    #[command(flatten)]
    bounds: Bounds,
    /// How long the end may take, in seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 25)]
    stop_limit: u64,
    /// A file in .env form, for variables that the environment does not set.
    #[arg(long, value_name = "FILE")]
    env_file: Option<PathBuf>,
}

/// What stays together.
#[derive(Clone, Copy, ValueEnum)]
enum Together {
    /// Spans and log records of a trace; all else of a service.
    Trace,
    /// Everything of a service, by its service.name.
    Service,
    /// Everything of a resource.
    Resource,
}

#[derive(Clone, Copy, ValueEnum)]
enum Acknowledge {
    /// When it is in the queue of every destination, in memory.
    Queued,
    /// When it is on disk for every destination, or delivered there.
    Disk,
    /// When every destination has it.
    Delivered,
}

#[derive(Clone, Copy, ValueEnum)]
enum Verbosity {
    /// One line with counts for each request.
    Basic,
    /// Besides, a line for each span, log record and data point.
    Normal,
    /// Besides, everything that they hold.
    Detailed,
}

/// An address, or none.
#[derive(Clone, Copy)]
struct Place(Option<SocketAddr>);

impl FromStr for Place {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, String> {
        if word == "off" {
            return Ok(Place(None));
        }
        let address = word.replace("localhost", "127.0.0.1").parse();
        address.map(|address| Place(Some(address))).map_err(|_| "write address:port, or off".to_owned())
    }
}

pub(crate) fn run(options: &Options) -> ExitCode {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let collected = |runtime: tokio::runtime::Runtime| match &options.config {
        Some(path) => runtime.block_on(agent::collect(path, options)),
        None => runtime.block_on(collect(options)),
    };
    match runtime.and_then(collected) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

async fn collect(options: &Options) -> io::Result<ExitCode> {
    let environment = options.env_file.as_ref().map_or_else(Config::from_env, Config::from_env_or_file);
    for fault in environment.faults() {
        eprintln!("{fault}");
    }
    // What the collector and its senders have to say.
    let voice = Telemetry::init(Config::from_vars(VOICE)).map_err(io::Error::other)?;
    // To guess would send telemetry, and credentials, where nobody asked for.
    environment.usable().map_err(io::Error::other)?;
    let mut config = config(options, &environment);
    if config.view.is_some_and(|address| !address.ip().is_loopback()) {
        // Told with the address of the view, once.
        config.view_token = Some(collector::Token::random().map_err(io::Error::other)?);
    }
    let destinations = config.destinations.clone();
    let collector = Collector::start(config).map_err(io::Error::other)?;
    check_way(&collector, &destinations)?;
    announce(&collector, options, &environment, &destinations);
    deliver(collector, options, voice).await
}

/// Says what goes wrong until it is told to stop, and then delivers what it has. The voice is what warnings are said by.
async fn deliver(collector: Collector, options: &Options, voice: Telemetry) -> io::Result<ExitCode> {
    let mut told = Told::new();
    let stop = stop_signal();
    tokio::pin!(stop);
    while tokio::time::timeout(LOOK, &mut stop).await.is_err() {
        for forwarded in collector.forwarded() {
            // Of several servers each has its own fault.
            let parts = if forwarded.members.is_empty() { vec![forwarded] } else { forwarded.members };
            parts.iter().for_each(|part| tell(&mut told, part));
        }
    }
    println!("stops");
    let outcome = collector.stop(Duration::from_secs(options.stop_limit)).await;
    drop(voice);
    Ok(match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(lost) => {
            eprintln!("lost: {lost}");
            ExitCode::FAILURE
        }
    })
}

fn config(options: &Options, environment: &Config) -> collector::Config {
    let mut config = collector::Config::from(&environment.view);
    let place = |option: Option<Place>, otherwise| option.map_or(otherwise, |Place(address)| address);
    config.grpc = place(options.grpc, config.grpc);
    config.http = place(options.http, config.http);
    config.view = options.place_of_view(environment);
    config.health = place(options.health, config.health);
    config.prometheus = place(options.prometheus, config.prometheus);
    if let Some(seconds) = options.metric_expiration {
        config.metric_expiration = Duration::from_secs(seconds);
    }
    for signal in Signal::ALL {
        let export = environment.export(signal);
        // Its default is the port of a collector on this machine: most likely this one.
        let is_named = balance(options, environment).is_some() || !export.is_default();
        for destination in export.destinations.iter().filter(|_| is_named) {
            config.destinations.add(signal, balanced(destination, options, environment));
        }
    }
    config.debug = options.debug.map(|verbosity| {
        let mut options = debug::Options::default();
        options.verbosity = match verbosity {
            Verbosity::Basic => debug::Verbosity::Basic,
            Verbosity::Normal => debug::Verbosity::Normal,
            Verbosity::Detailed => debug::Verbosity::Detailed,
        };
        options
    });
    config.file = options.file.as_ref().map(|path| {
        let mut file = file::Options::of(path);
        file.max_bytes = options.file_bytes.unwrap_or(file.max_bytes);
        file.max_files = options.file_count.unwrap_or(file.max_files);
        file
    });
    config.receive = options.access.receive();
    config.keep = options.keep.as_ref().map(|directory| {
        let mut keep = keep::Options::of(directory);
        keep.bytes = options.keep_bytes.unwrap_or(keep.bytes);
        keep
    });
    config.acknowledge = match options.acknowledge {
        Acknowledge::Queued => Until::Queued,
        Acknowledge::Disk => Until::OnDisk,
        Acknowledge::Delivered => Until::Delivered,
    };
    options.bounds.set(&mut config);
    config
}

impl Options {
    fn place_of_view(&self, environment: &Config) -> Option<SocketAddr> {
        let variable = collector::Config::from(&environment.view).view;
        self.view.map_or(variable, |Place(address)| address)
    }
}

/// Among whom everything is divided.
fn balance<'a>(options: &'a Options, environment: &'a Config) -> Option<&'a Between> {
    options.balance.as_ref().or(environment.view.balance.as_ref())
}

/// The same, or several servers in its place.
fn balanced(destination: &Destination, options: &Options, environment: &Config) -> Destination {
    let (Destination::Remote(remote), Some(between)) = (destination, balance(options, environment)) else {
        return destination.clone();
    };
    let mut balance = between.in_place_of(remote);
    balance.key = match options.balance_by {
        Together::Trace => Key::Trace,
        Together::Service => Key::Service,
        Together::Resource => Key::Resource,
    };
    Destination::Balanced(balance)
}

/// Nothing may lead back.
fn check_way(collector: &Collector, destinations: &collector::Destinations) -> io::Result<()> {
    let words = |destination| {
        format!("{destination} is this collector itself: everything would come again, without end")
    };
    to_itself(collector, destinations).map_or(Ok(()), |destination| Err(io::Error::other(words(destination))))
}

/// A destination that leads back.
fn to_itself(collector: &Collector, destinations: &collector::Destinations) -> Option<Destination> {
    let main = [collector.grpc_address(), collector.http_address()].into_iter().flatten();
    let own: Vec<SocketAddr> = main.chain(collector.ports().iter().map(|(_, address)| *address)).collect();
    let is_own = |remote: &Remote| {
        let host = remote.url.host().unwrap_or_default().trim_matches(['[', ']']);
        // Another address of the loopback may be another collector.
        let is_at = |ip: IpAddr| match host.parse::<IpAddr>() {
            Ok(named) => named == ip || (ip.is_unspecified() && named.is_loopback()),
            Err(_) => {
                let is_first = ip == Ipv4Addr::LOCALHOST || ip == Ipv6Addr::LOCALHOST;
                host == "localhost" && (is_first || ip.is_unspecified())
            }
        };
        own.iter().any(|address| Some(address.port()) == remote.url.port_u16() && is_at(address.ip()))
    };
    let leads_back = |destination: &&Destination| match destination {
        Destination::Remote(remote) => is_own(remote),
        Destination::Balanced(balance) => balance.remotes().iter().any(is_own),
        Destination::Local(_) => false,
    };
    Signal::ALL.into_iter().flat_map(|signal| destinations.of(signal)).find(leads_back).cloned()
}
