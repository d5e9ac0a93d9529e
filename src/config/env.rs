//! The environment: one table of variables, read in one place.
//!
//! The parser takes names only from [`VARIABLES`]; the table below is made from it, and so are the names in
//! the start-up line. An empty variable is an unset one (O-090). A list has at most 256 members. `[SIGNAL_]`
//! stands for nothing (all signals) or for `TRACES_`, `METRICS_`, `LOGS_`, which wins for that signal; `{SIGNAL}`
//! for one of the three.
//!
#![doc = include_str!("variables.md")]

mod collect; // those of the program alone
mod table; // one row per variable
mod unread; // a file that nobody read

use super::{Fault, Origin, spelling::distance};
use crate::sender::Signal;
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    time::Duration,
};

pub use collect::COLLECT;
pub(crate) use table::*;
pub use table::{Kind, VARIABLES, Variable};

/// The variables of a process, or of a test, with what was wrong in them.
#[derive(Debug, Default)]
pub(crate) struct Environment {
    values: BTreeMap<String, String>,
    /// Of a file: asked when the values have none of the forms of a variable.
    overlay: BTreeMap<String, String>,
    pub(crate) faults: Vec<Fault>,
}

/// A value and the variable that held it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Found<T = String> {
    pub(crate) value: T,
    pub(crate) name: String,
}

impl Environment {
    pub(crate) fn from_process() -> Self {
        let mut environment = Environment::default();
        #[allow(clippy::disallowed_methods, reason = "the one place where the environment is read")]
        for (name, value) in std::env::vars_os() {
            let Ok(name) = name.into_string() else { continue };
            match value.into_string() {
                Ok(value) => drop(environment.values.insert(name, value)),
                Err(_) if is_ours(&name) => environment.fault(&name, "is not UTF-8; it is ignored"),
                Err(_) => {}
            }
        }
        environment
    }

    pub(crate) fn from_vars(vars: impl IntoIterator<Item = (String, String)>) -> Self {
        Environment { values: vars.into_iter().collect(), ..Environment::default() }
    }

    /// Takes the variables of a file in `.env` form, for those that are not set in any form. No file is no fault.
    pub(crate) fn overlay(&mut self, path: &Path) {
        let lines = match dotenvy::from_path_iter(path) {
            Ok(lines) => lines,
            Err(error) if error.not_found() => return,
            Err(error) => {
                return self.fault(&path.display().to_string(), &format!("cannot be read: {error}"));
            }
        };
        for line in lines {
            match line {
                Ok((name, value)) => drop(self.overlay.insert(name, value)),
                // The line may hold a secret: only the file is named.
                Err(_) => {
                    return self.fault(
                        &path.display().to_string(),
                        "has a line that is not NAME=value; the rest is ignored",
                    );
                }
            }
        }
    }

    /// What is not supported, and what is misspelt, would else be ignored without a word.
    pub(crate) fn check_names(&mut self) {
        for variable in VARIABLES.iter().filter(|variable| variable.kind == Kind::Unsupported) {
            let forms = Signal::ALL.map(Some).into_iter().chain([None]);
            let set: Vec<Found> = forms.filter_map(|signal| self.exactly(variable, signal)).collect();
            for found in set {
                self.fault(&found.name, &format!("is not supported and ignored. {}", variable.meaning));
            }
        }
        let names = self.values.keys().chain(self.overlay.keys());
        let ours = names.filter(|name| name.starts_with("THROUGHLINE_") && !name.starts_with(TESTS));
        for name in ours.filter(|name| !is_ours(name) && !is_service_link(name)).cloned().collect::<Vec<_>>()
        {
            let meant = meant(&name).map(|name| format!("; did you mean {name}?")).unwrap_or_default();
            self.fault(&name, &format!("is no variable of throughline; it is ignored{meant}"));
        }
        // Others of the standard may be for other programs; what is nearly one of ours is not.
        let names = self.values.keys().chain(self.overlay.keys());
        let foreign = names.filter(|name| name.starts_with("OTEL_") && !is_ours(name));
        let misspelt: Vec<_> = foreign.filter_map(|name| Some((name.clone(), meant(name)?))).collect();
        for (name, meant) in misspelt {
            self.fault(&name, &format!("is no variable of OpenTelemetry; did you mean {meant}?"));
        }
    }

    pub(crate) fn fault(&mut self, variable: &str, message: &str) {
        let fault = Fault::new(variable, message);
        // A general variable is read once per signal, but said once.
        if !self.faults.contains(&fault) {
            self.faults.push(fault);
        }
    }

    /// Any variable, as it is; an empty one is unset.
    #[cfg(feature = "config-file")]
    pub(crate) fn raw(&self, name: &str) -> Option<&str> {
        let places = [&self.values, &self.overlay].into_iter();
        let mut set = places.filter_map(|values| values.get(name)).filter(|value| !value.is_empty());
        set.next().map(String::as_str)
    }

    /// What still counts beside a configuration file.
    #[cfg(feature = "config-file")]
    pub(crate) fn beside_file(mut self) -> Self {
        let mut ignored = Vec::new();
        for values in [&mut self.values, &mut self.overlay] {
            // One of the standard that is ignored is no fault: other programs may share it.
            let ours =
                |name: &&String| name.starts_with("THROUGHLINE_") && is_left_to_file(name) && is_ours(name);
            ignored.extend(values.keys().filter(ours).cloned());
            values.retain(|name, _| !is_left_to_file(name));
        }
        for name in ignored {
            self.fault(
                &name,
                "is ignored: the configuration file says where telemetry goes; write a header there",
            );
        }
        self
    }

    /// The text of a variable: the signal's form, else the general one.
    pub(crate) fn text(&self, variable: &Variable, signal: Option<Signal>) -> Option<Found> {
        let read = |values: &BTreeMap<String, String>, signal| {
            let name = variable.name_for(signal);
            let value = values.get(&name)?.trim();
            (!value.is_empty()).then(|| Found { value: value.to_owned(), name })
        };
        let own = |values| signal.and_then(|signal| read(values, Some(signal)));
        let general = |values| if variable.name.contains("{SIGNAL}") { None } else { read(values, None) };
        [&self.values, &self.overlay].into_iter().find_map(|values| own(values).or_else(|| general(values)))
    }

    /// What stands under exactly this name, and where.
    pub(crate) fn written(&self, name: &str) -> Option<(&str, Origin)> {
        let places = [(&self.values, Origin::Environment), (&self.overlay, Origin::File)];
        let mut written = places.into_iter().filter_map(|(values, origin)| {
            let value = values.get(name)?.trim();
            (!value.is_empty()).then_some((value, origin))
        });
        written.next()
    }

    /// Exactly the signal's form, or exactly the general one.
    pub(crate) fn exactly(&self, variable: &Variable, signal: Option<Signal>) -> Option<Found> {
        self.text(variable, signal).filter(|found| found.name == variable.name_for(signal))
    }

    /// The path of a file or directory.
    pub(crate) fn path(&self, variable: &Variable, signal: Option<Signal>) -> Option<Found<PathBuf>> {
        let Found { value, name } = self.text(variable, signal)?;
        Some(Found { value: PathBuf::from(value), name })
    }

    pub(crate) fn boolean(&mut self, variable: &Variable, signal: Option<Signal>) -> Option<bool> {
        self.boolean_or(variable, signal, false)
    }

    /// A truth value; `otherwise` where it is none.
    pub(crate) fn boolean_or(
        &mut self,
        variable: &Variable,
        signal: Option<Signal>,
        otherwise: bool,
    ) -> Option<bool> {
        let found = self.text(variable, signal)?;
        // "1" and "0" are for our own variables: the standard knows only the word.
        let ours = variable.name.starts_with("THROUGHLINE_");
        match found.value.to_ascii_lowercase().as_str() {
            "true" => Some(true),
            "1" if ours => Some(true),
            "0" if ours => Some(false),
            "false" => Some(false),
            _ => {
                self.fault(
                    &found.name,
                    &format!("{:?} is not a truth value, {otherwise} holds; use true or false", found.value),
                );
                Some(otherwise)
            }
        }
    }

    pub(crate) fn milliseconds(&mut self, variable: &Variable, signal: Option<Signal>) -> Option<Duration> {
        let found = self.text(variable, signal)?;
        let parsed = found.value.parse().ok().map(Duration::from_millis);
        if parsed.is_none() {
            self.fault(
                &found.name,
                &format!("{:?} is not a number of milliseconds; the default holds", found.value),
            );
        }
        parsed
    }

    /// A pause above zero; zero would mean to run all the time.
    pub(crate) fn delay(&mut self, variable: &Variable) -> Option<Duration> {
        let delay = self.milliseconds(variable, None)?;
        if delay.is_zero() {
            self.fault(variable.name, "0 would never rest; the default holds");
        }
        Some(delay).filter(|delay| !delay.is_zero())
    }

    /// A number above zero; zero would mean that everything is dropped.
    pub(crate) fn count(&mut self, variable: &Variable) -> Option<usize> {
        let found = self.text(variable, None)?;
        let parsed = found.value.parse().ok().filter(|count| *count > 0);
        if parsed.is_none() {
            self.fault(
                &found.name,
                &format!("{:?} is not a number above zero; the default holds", found.value),
            );
        }
        parsed
    }

    /// A number; zero is one too.
    pub(crate) fn limit(&mut self, variable: &Variable) -> Option<usize> {
        let found = self.text(variable, None)?;
        let parsed = found.value.parse().ok();
        if parsed.is_none() {
            self.fault(&found.name, &format!("{:?} is not a number; the default holds", found.value));
        }
        parsed
    }

    /// One of the words of the variable's kind.
    pub(crate) fn choice(
        &mut self,
        variable: &Variable,
        signal: Option<Signal>,
    ) -> Option<Found<&'static str>> {
        let Kind::Choice(words) = variable.kind else { return None };
        let found = self.text(variable, signal)?;
        match words.iter().find(|word| word.eq_ignore_ascii_case(&found.value)) {
            Some(word) => Some(Found { value: *word, name: found.name }),
            None => {
                self.fault(&found.name, &format!("{:?} is unknown; use {}", found.value, words.join(", ")));
                None
            }
        }
    }

    /// Some of the words of the variable's kind, without repetition; unknown ones are faults and left out.
    pub(crate) fn choices(&mut self, variable: &Variable) -> Option<Vec<&'static str>> {
        let Kind::Choices(words) = variable.kind else { return None };
        let found = self.text(variable, None)?;
        let mut chosen = Vec::new();
        for item in found.value.split(',').map(str::trim).filter(|item| !item.is_empty()) {
            match words.iter().find(|word| word.eq_ignore_ascii_case(item)) {
                Some(word) if !chosen.contains(word) => chosen.push(*word),
                Some(_) => {}
                None => self.fault(
                    &found.name,
                    &format!("{item:?} is unknown and left out; use {}", words.join(", ")),
                ),
            }
        }
        Some(chosen)
    }
}

/// Whether a variable counts for nothing beside a configuration file: one of the standard, or one that says where
/// telemetry goes.
#[cfg(feature = "config-file")]
pub(super) fn is_left_to_file(name: &str) -> bool {
    name == NODE_IP.name || name.starts_with("OTEL_") || name.starts_with("THROUGHLINE_OTLP_")
}

/// Kubernetes sets such variables in every pod beside a Service that is called throughline.
fn is_service_link(name: &str) -> bool {
    ["_SERVICE_HOST", "_SERVICE_PORT", "_PORT"].iter().any(|mark| name.contains(mark))
}

fn is_ours(name: &str) -> bool {
    names().any(|known| known == name)
}

/// All that there are.
fn names() -> impl Iterator<Item = String> {
    let signals = Signal::ALL.map(Some).into_iter().chain([None]);
    signals.flat_map(|signal| VARIABLES.iter().chain(COLLECT).map(move |variable| variable.name_for(signal)))
}

/// The variable that was meant by a name that is none: it is at most two letters off.
fn meant(name: &str) -> Option<String> {
    let near = names().map(|known| (distance(name, &known), known));
    near.filter(|(distance, _)| (1..=2).contains(distance)).min().map(|(_, known)| known)
}

#[cfg(test)]
mod tests;
