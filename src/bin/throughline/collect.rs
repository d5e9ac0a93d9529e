//! `throughline collect`.

mod access; // who may send
mod bounds; // how much, how long, and where it waits
mod telling; // what it says
mod variables; // what the command line does not say

use access::Access;
use bounds::Bounds;
use clap::{Args, ValueEnum};
use std::{
    io,
    net::{IpAddr, SocketAddr},
    path::PathBuf,
    process::ExitCode,
    str::FromStr,
    time::Duration,
};
use telling::{Told, announce, tell};
use throughline::{
    Config,
    collector::{self, Collector, Destination, Until, debug, file},
    sender::Signal,
    stop_signal,
};
pub(crate) use variables::with_variables;

/// How often it looks for faults to tell.
const LOOK: Duration = Duration::from_secs(1);

/// Takes OTLP over gRPC and HTTP, shows it in a browser, and sends it to where `OTEL_EXPORTER_OTLP_ENDPOINT` and the
/// other variables of the standard say; to nowhere if none is set. Each option is also a variable: `--max-memory` is
/// `THROUGHLINE_COLLECTOR_MAX_MEMORY`, with commas where it may be given several times, and `--queue-bytes` is
/// `THROUGHLINE_QUEUE_BYTES`. Options win over variables. At SIGTERM or ctrl-c it delivers what it has. Ends with 0 if nothing was
/// lost, else with 1.
#[derive(Args)]
pub(crate) struct Options {
    /// Where OTLP/gRPC is taken, or off [default: 127.0.0.1:4317].
    #[arg(long, value_name = "ADDRESS")]
    grpc: Option<Place>,
    /// Where OTLP/HTTP is taken, or off [default: 127.0.0.1:4318].
    #[arg(long, value_name = "ADDRESS")]
    http: Option<Place>,
    /// Where the view is, or off [default: 127.0.0.1:4319].
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
    match runtime.and_then(|runtime| runtime.block_on(collect(options))) {
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
    // To guess would send telemetry, and credentials, where nobody asked for.
    environment.usable().map_err(io::Error::other)?;
    let config = config(options, &environment);
    let destinations = config.destinations.clone();
    let collector = Collector::start(config).map_err(io::Error::other)?;
    if let Some(destination) = to_itself(&collector, &destinations) {
        let words =
            format!("{destination} is this collector itself: everything would come again, without end");
        return Err(io::Error::other(words));
    }
    announce(&collector, options, &environment, &destinations);
    let mut told = Told::new();
    let stop = stop_signal();
    tokio::pin!(stop);
    while tokio::time::timeout(LOOK, &mut stop).await.is_err() {
        collector.forwarded().iter().for_each(|forwarded| tell(&mut told, forwarded));
    }
    println!("stops");
    let outcome = collector.stop(Duration::from_secs(options.stop_limit)).await;
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
    config.view = place(options.view, config.view);
    config.health = place(options.health, config.health);
    config.prometheus = place(options.prometheus, config.prometheus);
    if let Some(seconds) = options.metric_expiration {
        config.metric_expiration = Duration::from_secs(seconds);
    }
    for signal in Signal::ALL {
        let export = environment.export(signal);
        // Its default is the port of a collector on this machine: most likely this one.
        for destination in export.destinations.iter().filter(|_| !export.is_default()) {
            config.destinations.add(signal, destination.clone());
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
    config.acknowledge = match options.acknowledge {
        Acknowledge::Queued => Until::Queued,
        Acknowledge::Disk => Until::OnDisk,
        Acknowledge::Delivered => Until::Delivered,
    };
    options.bounds.set(&mut config);
    config
}

/// A destination that leads back.
fn to_itself(collector: &Collector, destinations: &collector::Destinations) -> Option<Destination> {
    let own = [collector.grpc_address(), collector.http_address()].map(|address| address.map(|a| a.port()));
    let leads_back = |destination: &&Destination| {
        let Destination::Remote(remote) = destination else { return false };
        let host = remote.url.host().unwrap_or_default().trim_matches(['[', ']']);
        let is_here = host == "localhost" || host.parse().is_ok_and(|ip: IpAddr| ip.is_loopback());
        is_here && remote.url.port_u16().is_some_and(|port| own.contains(&Some(port)))
    };
    Signal::ALL.into_iter().flat_map(|signal| destinations.of(signal)).find(leads_back).cloned()
}
