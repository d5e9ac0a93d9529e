//! What `throughline collect` says: what it does, at its start, and what goes wrong.

use super::Options;
use std::{
    collections::HashMap,
    time::{Duration, Instant},
};
use throughline::{
    Config,
    collector::{self, Collector, Destination, Forwarded},
    sender::Signal,
};

/// How often one fault that stays is told.
const REPEAT: Duration = Duration::from_secs(30);

/// Says what it does, one line each.
pub(super) fn announce(
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
            let words = match destination {
                // Nobody has decided on it there.
                Destination::Balanced(balance) => balance.to_string(),
                _ => environment.export(signal).in_words(destination),
            };
            println!("sends {} to {words}", signal.name());
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
    if let Some(directory) = &options.bounds.queue_directory {
        match destinations.is_empty() {
            true => println!("keeps nothing in {}, since nothing is sent", directory.display()),
            false => println!("keeps what cannot be sent now in {}", directory.display()),
        }
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

/// What was said last of a destination, and when.
pub(super) struct Said {
    fault: String,
    at: Instant,
    left_out: bool,
}

/// Of each signal, exit and destination.
pub(super) type Told = HashMap<(&'static str, String, String), Said>;

/// Says a fault when it is new, and now and then while it stays; and at once when one of several servers is left out, or
/// has its share again.
pub(super) fn tell(told: &mut Told, forwarded: &Forwarded) {
    let Forwarded { signal, destination, exit, queued, rejected, dropped, left_out, .. } = forwarded;
    let Some(fault) = &forwarded.last_failure else { return };
    let place = (*signal, exit.clone(), destination.clone());
    let known = told.get(&place);
    let has_changed = known.is_some_and(|said| said.left_out) != *left_out;
    let is_new = known.is_none_or(|said| said.fault != *fault);
    let is_due = known.is_none_or(|said| said.at.elapsed() > REPEAT);
    let way = if exit.is_empty() { (*signal).to_owned() } else { format!("{signal} to {exit}") };
    if has_changed && !left_out {
        eprintln!("{way}: {destination} has its share again");
    } else if has_changed || is_due && (is_new || *queued > 0) {
        // What nothing waits for has passed.
        eprintln!("{way}: {fault} (queued {queued}, rejected {rejected}, dropped {dropped})");
    } else {
        return;
    }
    told.insert(place, Said { fault: fault.clone(), at: Instant::now(), left_out: *left_out });
}
