//! `throughline view`.

use clap::Args;
use std::{
    fs::File,
    io::{self, IsTerminal, Read, Write},
    net::{SocketAddr, ToSocketAddrs},
    path::{Path, PathBuf},
    process::ExitCode,
    time::Duration,
};
use throughline::{
    Config,
    collector::{self, Collector, Imported, Token, Trace, fetch},
    stop_signal,
};

/// The largest file, in bytes.
const MAX_FILE: u64 = 1 << 30;

/// Where a view is unless something else is said.
const PLACE: ([u8; 4], u16) = ([127, 0, 0, 1], 4319);

/// Shows files with OTLP in JSON in a browser: what a view exported, what a file exporter or `otlp/stdout` wrote. With
/// `--trace` it prints one trace as a tree instead, out of files or out of a collector that runs.
#[derive(Args)]
pub(crate) struct Options {
    /// Files to show, - for stdin.
    #[arg(value_name = "FILE", required_unless_present = "trace")]
    files: Vec<PathBuf>,
    /// Prints the trace with this id of 32 hexadecimal digits.
    #[arg(long, value_name = "ID", value_parser = trace_id)]
    trace: Option<String>,
    /// The view that is asked for the trace if there are no files, as its program printed it [default: THROUGHLINE_COLLECTOR_VIEW, else
    /// http://127.0.0.1:4319].
    #[arg(long, value_name = "URL", requires = "trace", conflicts_with = "files")]
    url: Option<String>,
    /// Where the view is; any free port if 4319 is taken [default: THROUGHLINE_COLLECTOR_VIEW, else 127.0.0.1:4319].
    #[arg(long, value_name = "ADDRESS", conflicts_with = "trace")]
    address: Option<SocketAddr>,
    /// Bytes that are kept in memory; of more, the newest.
    #[arg(long, value_name = "BYTES", default_value_t = 512 << 20)]
    max_bytes: usize,
}

fn trace_id(text: &str) -> Result<String, String> {
    let is_id = text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    if is_id { Ok(text.to_lowercase()) } else { Err("a trace id has 32 hexadecimal digits".to_owned()) }
}

pub(crate) fn run(options: &Options) -> ExitCode {
    let done = match &options.trace {
        Some(id) => print(options, id),
        None => show(options),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

/// Prints one trace.
fn print(options: &Options, id: &str) -> io::Result<()> {
    let environment = Config::from_env();
    let collector = start(options, None)?;
    if options.files.is_empty() {
        let (view, token) = place(options.url.as_deref(), &environment)?;
        let absent = || io::Error::other(format!("the collector at {view} has nothing of trace {id}"));
        collector.import(&fetch(view, token.as_ref(), id)?.ok_or_else(absent)?);
    }
    read(&collector, &options.files)?;
    let absent = || io::Error::other(format!("nothing of trace {id} is in these files"));
    let trace: Trace = collector.trace(id).ok_or_else(absent)?;
    let is_coloured = environment.log.colors.unwrap_or_else(|| io::stdout().is_terminal());
    let text = if is_coloured { trace.coloured().to_string() } else { trace.to_string() };
    // Whoever reads may have seen enough: `throughline view … | head`.
    let _ = io::stdout().write_all(text.as_bytes());
    Ok(())
}

/// Shows files until somebody stops it.
fn show(options: &Options) -> io::Result<()> {
    let given = options.address.or(Config::from_env().view.address);
    let address = given.unwrap_or(SocketAddr::from(PLACE));
    let collector = match start(options, Some(address)) {
        // Whoever named no port takes any.
        Err(_) if options.address.is_none() => start(options, Some(SocketAddr::new(address.ip(), 0)))?,
        started => started?,
    };
    read(&collector, &options.files)?;
    if collector.counters().evicted_requests > 0 {
        eprintln!("not all of it is kept: --max-bytes is {}", options.max_bytes);
    }
    println!("shows it at {}", collector.view_url().unwrap_or_default());
    println!("stop with ctrl-c");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(stop_signal());
    // It sends nothing on.
    let _ = collector.stop_blocking(Duration::ZERO);
    Ok(())
}

/// A collector that takes nothing but files.
fn start(options: &Options, view: Option<SocketAddr>) -> io::Result<Collector> {
    let mut config = collector::Config::default();
    (config.grpc, config.http, config.view) = (None, None, view);
    if view.is_some_and(|address| !address.ip().is_loopback()) {
        config.view_token = Some(Token::random().map_err(io::Error::other)?);
    }
    config.max_bytes = options.max_bytes;
    config.max_traces = usize::MAX;
    config.max_request_bytes = u32::MAX as usize - 1;
    Collector::start(config).map_err(io::Error::other)
}

/// Reads all files, and says what is not in them.
fn read(collector: &Collector, files: &[PathBuf]) -> io::Result<()> {
    for path in files {
        let told = |error: io::Error| io::Error::other(format!("{}: {error}", path.display()));
        let Imported { requests, passed_over, refused, fault, .. } =
            collector.import(&content(path).map_err(told)?);
        let name = path.display();
        if let Some(fault) = fault {
            eprintln!("{name}: {refused} of its requests cannot be shown: {fault}");
        }
        if requests == 0 {
            return Err(io::Error::other(format!(
                "{name}: there is no telemetry in it; it should be OTLP in JSON"
            )));
        }
        if passed_over > 0 {
            eprintln!("{name}: passed over what is no telemetry: {passed_over}");
        }
    }
    Ok(())
}

fn content(path: &Path) -> io::Result<Vec<u8>> {
    let mut content = Vec::new();
    match path.as_os_str() == "-" {
        true => io::stdin().lock().take(MAX_FILE + 1).read_to_end(&mut content)?,
        false => File::open(path)?.take(MAX_FILE + 1).read_to_end(&mut content)?,
    };
    match content.len() as u64 > MAX_FILE {
        true => Err(io::Error::other("larger than 1 GiB; divide it with split -l")),
        false => Ok(content),
    }
}

/// The address of a view that runs, with its token if the URL has one.
fn place(url: Option<&str>, environment: &Config) -> io::Result<(SocketAddr, Option<Token>)> {
    let Some(url) = url else {
        return Ok((environment.view.address.unwrap_or(SocketAddr::from(PLACE)), None));
    };
    let fault =
        || io::Error::other(format!("{url}: is not the address of a view; use http://127.0.0.1:4319"));
    let (rest, token) = match url.split_once("?token=") {
        Some((rest, token)) => (rest, Some(Token::new(token).map_err(io::Error::other)?)),
        None => (url, None),
    };
    let authority = rest.strip_prefix("http://").ok_or_else(fault)?.split('/').next().unwrap_or_default();
    let place = authority.to_socket_addrs().ok().and_then(|mut places| places.next());
    Ok((place.ok_or_else(fault)?, token))
}
