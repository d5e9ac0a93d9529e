//! `throughline collect --config`.

use super::{Options, VOICE, check_way, deliver};
use std::{io, path::Path, process::ExitCode};
use throughline::{
    Config, Telemetry,
    agent::Agent,
    collector::{Collector, Way},
};

/// Runs what a configuration of the OpenTelemetry Collector says, or only says what it comes to.
pub(super) async fn collect(path: &Path, options: &Options) -> io::Result<ExitCode> {
    let agent = Agent::from_file(path);
    for fault in agent.faults() {
        eprintln!("{fault}");
    }
    let Ok(mut config) = agent.config() else { return Ok(ExitCode::FAILURE) };
    agent.lines().iter().for_each(|line| println!("{line}"));
    if options.check {
        return Ok(ExitCode::SUCCESS);
    }
    let voice = Telemetry::init(Config::from_vars(VOICE)).map_err(io::Error::other)?;
    config.view = options.place_of_view(&Config::from_env());
    if config.view.is_none() && config.prometheus.is_none() {
        config.max_bytes = 0;
    }
    let ways: Vec<Way> = config.exits.iter().map(|exit| exit.way.clone()).collect();
    let collector = Collector::start(config).map_err(io::Error::other)?;
    for way in ways {
        if let Way::Network(destinations) = way {
            check_way(&collector, &destinations)?;
        }
    }
    for (source, address) in collector.ports() {
        println!("takes {source} at {address}");
    }
    collector.notices().iter().for_each(|notice| println!("{notice}"));
    if let Some(url) = collector.view_url() {
        println!("shows it at {url}");
    }
    deliver(collector, options, voice).await
}
