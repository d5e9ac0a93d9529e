//! `throughline check`.

use crate::lock::{Twice, twice};
use clap::Args;
use serde_json::{Value, json};
use std::{
    io::{self, Write},
    path::PathBuf,
    process::ExitCode,
};
use throughline::{
    Config,
    config::{Fault, Origin, Setting},
    probe::{Finding, probe},
    sender::Signal,
};

/// Prints what a service with this environment would do, asks each destination with a request without content, and says
/// what is wrong and what to set. Ends with 0 if nothing is wrong, else with 1.
#[derive(Args)]
pub(crate) struct Options {
    /// A file in .env form, for variables that the environment does not set.
    #[arg(long, value_name = "FILE")]
    env_file: Option<PathBuf>,
    /// A Cargo.lock in which to look for two versions of one OpenTelemetry crate.
    #[arg(long, value_name = "FILE")]
    lock: Option<PathBuf>,
    /// Prints what holds by default too.
    #[arg(long)]
    all: bool,
    /// Prints one JSON object.
    #[arg(long)]
    json: bool,
}

/// What was found out.
struct Report {
    settings: Vec<Setting>,
    faults: Vec<Fault>,
    notices: Vec<String>,
    findings: Vec<Finding>,
    twice: Result<Vec<Twice>, String>,
    nowhere: Vec<String>,
}

pub(crate) fn run(options: &Options) -> ExitCode {
    let report = match look(options) {
        Ok(report) => report,
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::FAILURE;
        }
    };
    let text = if options.json { format!("{:#}\n", report.to_json()) } else { report.to_text() };
    // Whoever reads may have seen enough: `throughline check | head`.
    let _ = io::stdout().write_all(text.as_bytes());
    if report.is_fine() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn look(options: &Options) -> io::Result<Report> {
    let config = options.env_file.as_ref().map_or_else(Config::from_env, Config::from_env_or_file);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let settings = config.settings().filter(|setting| options.all || !setting.is_default());
    let findings = runtime.block_on(probe(&config));
    Ok(Report {
        settings: settings.cloned().collect(),
        faults: config.faults().to_vec(),
        notices: config.notices().iter().map(|notice| format!("{notice}; here by --env-file")).collect(),
        twice: options.lock.as_deref().map_or(Ok(vec![]), twice),
        nowhere: nowhere(&config, &findings),
        findings,
    })
}

/// The signals that are meant to be sent nowhere, in words.
fn nowhere(config: &Config, findings: &[Finding]) -> Vec<String> {
    if config.disabled && findings.is_empty() {
        let variables = config.settings().filter(|setting| setting.origin != Origin::Default);
        let in_file = variables.into_iter().any(|setting| setting.variable == "OTEL_CONFIG_FILE");
        let variable = if in_file { "OTEL_CONFIG_FILE" } else { "OTEL_SDK_DISABLED" };
        return vec![format!("nothing is recorded ({variable})")];
    }
    let is_found = |signal| findings.iter().any(|finding| finding.signal == signal);
    let away = Signal::ALL.into_iter().filter(|signal| !is_found(*signal));
    away.map(|signal| format!("{} to {}", signal.name(), config.export(signal))).collect()
}

impl Report {
    fn is_fine(&self) -> bool {
        let delivered = self.findings.iter().all(|finding| finding.fault.is_none());
        delivered && self.faults.is_empty() && self.twice.as_ref().is_ok_and(Vec::is_empty)
    }

    fn to_text(&self) -> String {
        let versions = match &self.twice {
            Ok(twice) => twice.iter().map(Twice::to_string).collect(),
            Err(fault) => vec![fault.clone()],
        };
        let mut places: Vec<String> = self.findings.iter().map(Finding::to_string).collect();
        places.extend(self.nowhere.iter().cloned());
        let mut text = String::new();
        section(&mut text, "settings", &aligned(&self.settings));
        section(&mut text, "faults", &self.faults.iter().map(Fault::to_string).collect::<Vec<_>>());
        section(&mut text, "notices", &self.notices);
        section(&mut text, "destinations", &places);
        section(&mut text, "versions", &versions);
        text
    }

    fn to_json(&self) -> Value {
        let settings = self.settings.iter().map(|setting| {
            let Setting { variable, value, origin, by, written, why, .. } = setting;
            json!({
                "variable": variable, "value": value, "origin": origin.to_string(),
                "by": by, "written": written, "why": why,
            })
        });
        let faults = self
            .faults
            .iter()
            .map(|Fault { variable, message, .. }| json!({ "variable": variable, "message": message }));
        let findings = self.findings.iter().map(|finding| {
            let Finding { signal, destination, decided_by, fault, advice, warnings, .. } = finding;
            json!({
                "signal": signal.name(), "destination": destination, "decided_by": decided_by,
                "fault": fault, "advice": advice, "warnings": warnings,
            })
        });
        let (twice, unread) = match &self.twice {
            Ok(twice) => (&twice[..], None),
            Err(fault) => (&[][..], Some(fault)),
        };
        let twice =
            twice.iter().map(|Twice { name, versions }| json!({ "crate": name, "versions": versions }));
        json!({
            "fine": self.is_fine(),
            "settings": settings.collect::<Value>(),
            "faults": faults.collect::<Value>(),
            "notices": self.notices,
            "destinations": findings.collect::<Value>(),
            "nowhere": self.nowhere,
            "versions": { "twice": twice.collect::<Value>(), "fault": unread },
        })
    }
}

/// Three columns.
fn aligned(settings: &[Setting]) -> Vec<String> {
    let width = |of: fn(&Setting) -> usize, most| settings.iter().map(of).max().unwrap_or(0).min(most);
    let (name, value) = (width(|s| s.variable.len(), 100), width(|s| s.value.chars().count(), 60));
    let line = |setting: &Setting| {
        let Setting { variable, value: held, .. } = setting;
        format!("{variable:name$}  {held:value$}  {}", setting.decided())
    };
    settings.iter().map(line).collect()
}

/// A title and indented lines; nothing if there are none.
fn section(text: &mut String, title: &str, entries: &[String]) {
    if entries.is_empty() {
        return;
    }
    let indented = entries.iter().flat_map(|entry| entry.lines()).map(|line| format!("  {line}\n"));
    let parts = [title.to_owned(), "\n".into()].into_iter().chain(indented);
    text.extend(parts);
}
