//! What fails a start, before anything could be sent.

use super::Finding;
use crate::{config::Config, pipeline::limits, sender::Signal, view::View};
use std::{
    fs,
    path::{Path, PathBuf},
};
use tokio::task::spawn_blocking;

/// A start without telemetry.
pub(super) struct Start {
    /// With the destinations that the view adds.
    pub(super) config: Config,
    /// What keeps all signals from starting.
    pub(super) faults: Vec<String>,
    view: Option<View>,
}

impl Start {
    /// Gives back what was opened: whoever asked may start now.
    pub(super) async fn close(self) {
        if let Some(view) = self.view {
            // An error means that the runtime ends.
            let _ = spawn_blocking(|| view.close()).await;
        }
    }
}

/// Opens what a start opens. `Err`: there is nothing to ask.
pub(super) async fn attempt(config: &Config) -> Result<Start, Vec<Finding>> {
    let none =
        |fault: String| Signal::ALL.map(|signal| finding(signal, "nowhere", None, fault.clone())).into();
    if let Some(fault) = config.faults().iter().find(|fault| fault.fatal) {
        return Err(none(fault.to_string()));
    }
    let mut config = config.clone();
    // Files and ports may take a while.
    let opening = spawn_blocking(move || {
        let (view, mut faults) = match View::open(&mut config) {
            Ok(view) => (Some(view), vec![]),
            Err(error) => (None, vec![error.to_string()]),
        };
        faults.extend(directory(&config));
        Start { config, faults, view }
    });
    opening.await.map_err(|error| none(error.to_string()))
}

/// The endpoint of a signal that cannot be understood.
pub(super) fn unusable(config: &Config, signal: Signal) -> Option<Finding> {
    let variable = config.export(signal).unusable()?;
    let faults = config.faults().iter().filter(|fault| fault.variable == variable);
    let messages: Vec<&str> = faults.map(|fault| fault.message.as_str()).collect();
    Some(finding(signal, "nowhere", Some(variable), messages.join("; ")))
}

/// Why the directory of the queue cannot be used. What is made to find out does not stay: whoever asks may be another user
/// than the service.
fn directory(config: &Config) -> Option<String> {
    let disk = limits(config).disk.filter(|_| !config.disabled)?;
    let is_missing = |path: &&Path| !path.as_os_str().is_empty() && !path.exists();
    let missing: Vec<PathBuf> =
        disk.directory.ancestors().take_while(is_missing).map(Path::to_owned).collect();
    let fault = disk.check().err();
    for path in missing {
        // What somebody uses meanwhile is not empty, and stays.
        let _ = fs::remove_dir(path);
    }
    fault.map(|fault| format!("THROUGHLINE_QUEUE_DIRECTORY: {fault}"))
}

/// The page for Prometheus, whose port is taken for a moment.
#[cfg(feature = "prometheus")]
pub(super) async fn page(scrape: crate::config::Scrape) -> Finding {
    let (place, decider) = (scrape.place(None), scrape.decider().to_owned());
    let taken = spawn_blocking(move || {
        let address = scrape.address.as_deref()?;
        crate::scrape::taken(address, scrape.variable.as_deref())
    });
    let fault = taken.await.unwrap_or_else(|error| Some(error.to_string()));
    Finding { fault, ..finding(Signal::Metrics, &place, Some(&decider), String::new()) }
}

fn finding(signal: Signal, destination: &str, decided_by: Option<&str>, fault: String) -> Finding {
    let decided_by = decided_by.map(str::to_owned);
    Finding {
        signal,
        destination: destination.into(),
        decided_by,
        fault: Some(fault),
        advice: None,
        warnings: vec![],
    }
}
