//! `throughline collect`.

mod access; // who may send

use access::Access;
use clap::{Args, ValueEnum};
use std::{
    collections::HashMap,
    io,
    net::{IpAddr, SocketAddr},
    path::PathBuf,
    process::ExitCode,
    str::FromStr,
    time::{Duration, Instant},
};
use throughline::{
    Config,
    collector::{self, Collector, Destination, Disk, Forwarded, Until, debug, file, keep},
    sender::Signal,
    stop_signal,
};

/// How often it looks for faults to tell, and how often one that stays is told.
const LOOK: Duration = Duration::from_secs(1);
const REPEAT: Duration = Duration::from_secs(30);

/// Takes OTLP over gRPC and HTTP, shows it in a browser, and sends it to where `OTEL_EXPORTER_OTLP_ENDPOINT` and the
/// other variables of the standard say; to nowhere if none is set. Options win over variables. At SIGTERM or ctrl-c it
/// delivers what it has. Ends with 0 if nothing was lost, else with 1.
#[derive(Args)]
pub(crate) struct Options {
    /// Where OTLP/gRPC is taken, or off [default: THROUGHLINE_COLLECTOR_GRPC, else 127.0.0.1:4317].
    #[arg(long, value_name = "ADDRESS")]
    grpc: Option<Place>,
    /// Where OTLP/HTTP is taken, or off [default: THROUGHLINE_COLLECTOR_HTTP, else 127.0.0.1:4318].
    #[arg(long, value_name = "ADDRESS")]
    http: Option<Place>,
    /// Where the view is, or off [default: THROUGHLINE_COLLECTOR_VIEW, else 127.0.0.1:4319]; where other machines reach
    /// it, it asks for a token, which is printed with its address.
    #[arg(long, value_name = "ADDRESS")]
    view: Option<Place>,
    /// Where `GET /` is answered with 200 while telemetry is taken, for probes.
    #[arg(long, value_name = "ADDRESS")]
    health: Option<SocketAddr>,
    /// Where Prometheus fetches the measurements of all services, at /metrics.
    #[arg(long, value_name = "ADDRESS")]
    prometheus: Option<SocketAddr>,
    /// When a request is acknowledged.
    #[arg(long, value_enum, default_value_t = Acknowledge::Queued)]
    acknowledge: Acknowledge,
    /// Directory for requests that cannot be sent now; they outlive the process [default: THROUGHLINE_QUEUE_DIRECTORY].
    #[arg(long, value_name = "DIRECTORY")]
    queue_directory: Option<PathBuf>,
    /// Bytes of requests that may wait in memory for one destination, of each signal.
    #[arg(long, value_name = "BYTES", default_value_t = 64 << 20)]
    queue_bytes: usize,
    /// Bytes of request bodies in memory, beyond which what comes is told to come again.
    #[arg(long, value_name = "BYTES")]
    max_memory: Option<usize>,
    /// Shows everything that is taken on stdout: counts, a line for each item, or all that they hold.
    #[arg(
        long,
        value_enum,
        value_name = "VERBOSITY",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "basic"
    )]
    debug: Option<Verbosity>,
    /// Writes everything that is taken to a file, as OTLP in JSON, one request a line. At 100 MiB the next one begins, the
    /// newest five stay.
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
    /// Keeps what the view shows in a directory too, so that it is there after the next start.
    #[arg(long, value_name = "DIRECTORY")]
    keep: Option<PathBuf>,
    /// Bytes of what is kept in that directory; of more, the newest.
    #[arg(long, value_name = "BYTES", requires = "keep", default_value_t = 256 << 20)]
    keep_bytes: u64,
    #[command(flatten)]
    access: Access,
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
        word.parse().map(|address| Place(Some(address))).map_err(|_| "write address:port, or off".to_owned())
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
    let mut config = config(options, &environment);
    if config.view.is_some_and(|address| !address.ip().is_loopback()) {
        // Told with the address of the view, once.
        config.view_token = Some(collector::Token::random().map_err(io::Error::other)?);
    }
    let destinations = config.destinations.clone();
    let collector = Collector::start(config).map_err(io::Error::other)?;
    if let Some(destination) = to_itself(&collector, &destinations) {
        let words =
            format!("{destination} is this collector itself: everything would come again, without end");
        return Err(io::Error::other(words));
    }
    announce(&collector, options, &environment, &destinations);
    let mut told = HashMap::new();
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
    let place = |option: Option<Place>, variable| option.map_or(variable, |Place(address)| address);
    config.grpc = place(options.grpc, config.grpc);
    config.http = place(options.http, config.http);
    config.view = place(options.view, config.view);
    config.health = options.health;
    config.prometheus = options.prometheus;
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
    config.file = options.file.as_ref().map(file::Options::of);
    config.receive = options.access.receive();
    config.keep = options.keep.as_ref().map(|directory| {
        let mut keep = keep::Options::of(directory);
        keep.bytes = options.keep_bytes;
        keep
    });
    if config.keep.is_none() && config.view.is_none() && config.prometheus.is_none() && config.goes_on() {
        config.max_bytes = 0;
    }
    config.disk = directory(options, environment)
        .map(|directory| Disk { bytes: environment.queue.directory_bytes, ..Disk::new(directory) });
    config.queue_bytes = options.queue_bytes;
    config.max_memory = options.max_memory;
    config.acknowledge = match options.acknowledge {
        Acknowledge::Queued => Until::Queued,
        Acknowledge::Disk => Until::OnDisk,
        Acknowledge::Delivered => Until::Delivered,
    };
    config
}

/// Where requests wait that cannot be sent now.
fn directory<'a>(options: &'a Options, environment: &'a Config) -> Option<&'a PathBuf> {
    options.queue_directory.as_ref().or(environment.queue.directory.as_ref())
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

fn announce(
    collector: &Collector,
    options: &Options,
    environment: &Config,
    destinations: &collector::Destinations,
) {
    let taken = [("OTLP/gRPC", collector.grpc_address()), ("OTLP/HTTP", collector.http_address())];
    for (name, address) in taken {
        match address {
            Some(address) => println!("takes {name} at {address}"),
            None => println!("takes no {name}"),
        }
    }
    for signal in Signal::ALL {
        for destination in destinations.of(signal) {
            println!("sends {} to {}", signal.name(), environment.export(signal).in_words(destination));
        }
        if destinations.of(signal).is_empty() {
            println!("sends {} nowhere", signal.name());
        }
    }
    if options.debug.is_some() {
        println!("shows everything here");
    }
    if let Some(path) = &options.file {
        println!("writes everything to {}", path.display());
    }
    if let Some(directory) = &options.keep {
        println!("keeps what it shows in {}", directory.display());
    }
    if let Some(directory) = directory(options, environment) {
        println!("keeps what cannot be sent now in {}", directory.display());
    }
    collector.notices().iter().for_each(|notice| println!("{notice}"));
    if let Some(url) = collector.view_url() {
        println!("shows it at {url}");
    }
    if let Some(address) = collector.prometheus_address() {
        println!("shows measurements to Prometheus at http://{address}/metrics");
    }
    if let Some(address) = collector.health_address() {
        println!("tells whether it is well at http://{address}/");
    }
}

/// Says a fault when it is new, and now and then while it stays.
fn tell(told: &mut HashMap<(&'static str, String), (String, Instant)>, forwarded: &Forwarded) {
    let Some(fault) = &forwarded.last_failure else { return };
    let place = (forwarded.signal, forwarded.destination.clone());
    let known = told.get(&place);
    let is_new = known.is_none_or(|(words, _)| words != fault);
    let is_due = known.is_none_or(|(_, at)| at.elapsed() > REPEAT);
    // What nothing waits for has passed.
    if is_due && (is_new || forwarded.queued > 0) {
        let Forwarded { signal, queued, rejected, dropped, .. } = forwarded;
        eprintln!("{signal}: {fault} (queued {queued}, rejected {rejected}, dropped {dropped})");
        told.insert(place, (fault.clone(), Instant::now()));
    }
}
