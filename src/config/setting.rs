//! What was set, and what holds where nothing was: each variable with its value, secrets masked.

mod held; // what came of it

use super::{
    Config, env,
    env::{COLLECT, Environment, Kind, VARIABLES, Variable},
};
use crate::sender::Signal;
use held::Held;
use std::{collections::BTreeSet, fmt};

/// Shown instead of a secret.
pub(super) const MASKED: &str = "(secret)";

/// One variable, what holds of it, and what decided. `Display` is `name = value (origin)`.
///
/// ```
/// use throughline::{Config, config::Origin};
///
/// let config = Config::from_vars([
///     ("OTEL_SERVICE_NAME", "cart"),
///     ("THROUGHLINE_OTLP_TOKEN", "hush"),
///     ("OTEL_BSP_SCHEDULE_DELAY", "0"),
///     ("OTEL_BSP_MAX_QUEUE_SIZE", "100"),
/// ]);
/// let shown: Vec<String> =
///     config.settings().filter(|setting| !setting.is_default()).map(|setting| setting.to_string()).collect();
/// assert_eq!(
///     shown,
///     [
///         "OTEL_SERVICE_NAME = cart (environment)",
///         r#"OTEL_BSP_SCHEDULE_DELAY = 5000 (default; "0" does not hold)"#,
///         "OTEL_BSP_MAX_QUEUE_SIZE = 100 (environment)",
///         "OTEL_BSP_MAX_EXPORT_BATCH_SIZE = 100 (OTEL_BSP_MAX_QUEUE_SIZE)",
///         "THROUGHLINE_OTLP_TOKEN = (secret) (environment)",
///     ]
/// );
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Setting {
    /// The name: of the form that was set, or the general one with `[SIGNAL_]` in it; of a configuration file, the key.
    pub variable: String,
    /// What holds, as the variable would say it, without control characters; `(secret)` for a secret; where only words
    /// tell the default, those.
    pub value: String,
    /// Where the value comes from.
    pub origin: Origin,
    /// The other variable, or key, that decided, if one did.
    pub by: Option<String>,
    /// What was written and does not hold, or not as a whole.
    pub written: Option<String>,
    /// Why what was written does not hold, or counts for nothing.
    pub why: Option<String>,
}

impl Setting {
    pub(super) fn new(variable: String, value: String, origin: Origin) -> Self {
        Setting { variable, value, origin, by: None, written: None, why: None }
    }

    /// The forms of a variable that are set, as they are written.
    pub(super) fn written(environment: &Environment, variable: &Variable) -> Vec<Self> {
        let mut set: Vec<Setting> = Vec::new();
        for name in [None].into_iter().chain(Signal::ALL.map(Some)).map(|signal| variable.name_for(signal)) {
            let Some((value, origin)) = environment.written(&name) else { continue };
            if set.iter().all(|known| known.variable != name) {
                set.push(Setting::new(name, shown(variable, value), origin));
            }
        }
        set
    }

    /// Whether nothing was said about it.
    pub fn is_default(&self) -> bool {
        self.origin == Origin::Default && self.written.is_none() && self.by.is_none()
    }

    /// What decided, in words, and what does not hold.
    pub fn decided(&self) -> String {
        let mut words = self.by.clone().unwrap_or_else(|| self.origin.to_string());
        match (&self.written, &self.why) {
            (Some(written), _) => words += &format!("; {written:?} does not hold"),
            (None, Some(why)) => words += &format!("; {why}"),
            (None, None) => {}
        }
        words
    }
}

/// Where a value comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Origin {
    /// A variable of the process.
    Environment,
    /// A line of the `.env` file.
    File,
    /// A line of the configuration file.
    ConfigurationFile {
        /// Counted from 1.
        line: usize,
    },
    /// Nothing was set.
    Default,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Origin::Environment => f.write_str("environment"),
            Origin::File => f.write_str("file"),
            Origin::ConfigurationFile { line } => write!(f, "line {line}"),
            Origin::Default => f.write_str("default"),
        }
    }
}

impl fmt::Display for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} = {} ({})", self.variable, self.value, self.decided())
    }
}

/// All variables in the order of the table: the forms that are set, and what holds where none is; those of the collector's
/// program alone where they are set.
pub(super) fn settings(environment: &Environment, config: &Config) -> Vec<Setting> {
    let unset = Config::without_settings(&mut Environment::default());
    let table = Table { environment, config, unset: &unset };
    let of_collect = COLLECT.iter().flat_map(|variable| Setting::written(environment, variable));
    VARIABLES.iter().flat_map(|variable| table.of(variable)).chain(of_collect).collect()
}

/// What was set, beside what came of it.
struct Table<'a> {
    environment: &'a Environment,
    config: &'a Config,
    /// What comes of no variable at all.
    unset: &'a Config,
}

impl Table<'_> {
    fn of(&self, variable: &Variable) -> Vec<Setting> {
        if matches!(variable.kind, Kind::Unsupported | Kind::Unneeded) {
            return Setting::written(self.environment, variable);
        }
        if !variable.name.contains(['[', '{']) {
            return vec![self.setting(variable, variable.name, None)];
        }
        let decider =
            |signal: &Signal| self.environment.text(variable, Some(*signal)).map(|found| found.name);
        let mut settings = Vec::new();
        for setting in Setting::written(self.environment, variable) {
            let signals =
                Signal::ALL.into_iter().filter(|signal| decider(signal).as_ref() == Some(&setting.variable));
            let signals = Vec::from_iter(signals);
            let unused = signals.is_empty().then(|| "each signal has one of its own".to_owned());
            settings.extend(self.form(variable, &setting.variable, &signals));
            if let (Some(unused), Some(last)) = (unused, settings.last_mut()) {
                last.why.get_or_insert(unused);
            }
        }
        let others = Vec::from_iter(Signal::ALL.into_iter().filter(|signal| decider(signal).is_none()));
        if variable.name.contains('{') {
            let of_signal = |signal: Signal| self.form(variable, &variable.name_for(Some(signal)), &[signal]);
            settings.extend(others.into_iter().flat_map(of_signal));
        } else if !others.is_empty() {
            settings.extend(self.form(variable, variable.name, &others));
        }
        settings
    }

    /// One form of a variable, and the signals for which another variable decided in its place.
    fn form(&self, variable: &Variable, name: &str, signals: &[Signal]) -> Vec<Setting> {
        let of_signal = |signal: &Signal| {
            let setting = self.setting(variable, name, Some(*signal));
            let own = variable.name_for(Some(*signal));
            match &setting.by {
                // What is written in the general form holds for others.
                Some(_) if own != name => Setting { variable: own, written: None, why: None, ..setting },
                _ => setting,
            }
        };
        let mut settings: Vec<Setting> = Vec::new();
        // What leaves tells what holds, so it comes first.
        let is_away = |signal: &&Signal| self.held(variable, Some(**signal)).is_none();
        let (away, leaving): (Vec<&Signal>, Vec<&Signal>) = signals.iter().partition(is_away);
        for signal in leaving.into_iter().chain(away) {
            let setting = of_signal(signal);
            if settings.iter().all(|known| known.variable != setting.variable) {
                settings.push(setting);
            }
        }
        if settings.is_empty() {
            settings.push(self.setting(variable, name, None));
        }
        settings.sort_by_key(|setting| setting.variable != name);
        settings
    }

    /// `name`: the form of the variable that decides for a signal.
    fn setting(&self, variable: &Variable, name: &str, signal: Option<Signal>) -> Setting {
        let (held, written) = (self.held(variable, signal), self.environment.written(name));
        let faults = Vec::from_iter(self.faults(name));
        let is = |one: &str, other: &str| {
            BTreeSet::from_iter(members(variable, one)) == BTreeSet::from_iter(members(variable, other))
        };
        // Of what holds, the order may tell: that of the propagators does.
        let is_in_order = |one: &str, other: &str| members(variable, one) == members(variable, other);
        let value = match (&held, written) {
            (Some(held), _) => held.value.clone(),
            (None, Some((value, _))) if faults.is_empty() || stays(variable) => value.to_owned(),
            (None, _) => variable.default.to_owned(),
        };
        let default = held::held_of(self.unset, variable, signal).map(|held| held.value);
        let is_default = held.as_ref().is_some_and(|held| held.unset)
            || is_in_order(&value, variable.default)
            || default.is_some_and(|default| is_in_order(&value, &default));
        let own = written.filter(|_| faults.is_empty()).map_or(variable.default, |(value, _)| value);
        let by = held
            .and_then(|held| held.or)
            .filter(|or| !is(&value, own) && self.faults(or.name).next().is_none());
        let by = by.and_then(|or| self.environment.text(or, None)).map(|found| found.name);
        let overruled = is_default || by.is_some() || !faults.is_empty();
        let lost = written.filter(|(written, _)| !is(written, &value) && overruled);
        let origin = match (&by, written) {
            (Some(by), _) => self.environment.written(by).map(|(_, origin)| origin),
            (None, Some((_, origin))) if lost.is_none() || !is_default => Some(origin),
            _ => None,
        };
        Setting {
            value: if origin.is_none() { value } else { shown(variable, &value) },
            by,
            written: lost.map(|(written, _)| shown(variable, written)),
            why: lost.filter(|_| !faults.is_empty()).map(|_| faults.join("; ")),
            ..Setting::new(name.to_owned(), String::new(), origin.unwrap_or(Origin::Default))
        }
    }

    fn held(&self, variable: &Variable, signal: Option<Signal>) -> Option<Held> {
        held::held_of(self.config, variable, signal)
    }

    fn faults(&self, name: &str) -> impl Iterator<Item = &str> {
        let faults = self.environment.faults.iter().filter(move |fault| fault.variable == name);
        faults.map(|fault| fault.message.as_str())
    }
}

/// Whether no default takes the place of what cannot be understood, or nobody may see what is there.
fn stays(variable: &Variable) -> bool {
    variable.name == env::NODE_IP.name
        || matches!(variable.kind, Kind::Secret | Kind::SecretPairs | Kind::Url | Kind::File)
}

/// What a value is to a variable, however it is written: one text, but for lists.
fn members(variable: &Variable, value: &str) -> Vec<String> {
    let mut value = value.trim().to_ascii_lowercase();
    if let Ok(number) = value.parse::<f64>() {
        value = number.to_string();
    }
    match (&variable.kind, &*value) {
        (Kind::Boolean, "1") => vec!["true".into()],
        (Kind::Boolean, "0") => vec!["false".into()],
        (Kind::Address, _) => vec![value.replace("localhost", "127.0.0.1")],
        (Kind::List | Kind::Choices(_), _) => {
            let members = value.split(',').map(str::trim).filter(|member| !member.is_empty());
            members.map(String::from).collect()
        }
        _ => vec![value],
    }
}

fn shown(variable: &Variable, value: &str) -> String {
    match variable.kind {
        Kind::Secret | Kind::SecretPairs => MASKED.into(),
        Kind::Url => url(value).unwrap_or_else(|| "(not a URL)".into()),
        _ => plain(value),
    }
}

/// A text that is meant to be seen.
pub(super) fn plain(value: &str) -> String {
    // What is no URL to us may be one, with a user and a password.
    if value.contains('@') && value.contains("://") {
        return MASKED.into();
    }
    value.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// A URL or a `host:port` without user, password and query; `None` for all else, which may be a secret.
pub(super) fn url(value: &str) -> Option<String> {
    let (scheme, rest) =
        value.split_once("://").map_or(("", value), |(_, rest)| value.split_at(value.len() - rest.len()));
    let (place, rest) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
    let place = place.rsplit_once('@').map_or(place, |(_, place)| place);
    let is_place = place.chars().all(|c| c.is_ascii_alphanumeric() || ".-:[]".contains(c));
    let path = rest.split(['?', '#']).next().unwrap_or_default();
    // A password with a slash in it ends the place early; then it stands where a port should.
    let has_port =
        place.rsplit(':').next().is_some_and(|port| port.bytes().all(|byte| byte.is_ascii_digit()));
    let is_torn = rest.contains('@') || (place.contains(':') && !place.ends_with(']') && !has_port);
    // A word alone may be a token.
    let is_place = is_place && (!scheme.is_empty() || place.contains(':'));
    let is_clean = !place.is_empty() && !is_torn && !value.chars().any(char::is_control);
    let is_scheme = scheme.chars().all(|c| c.is_ascii_alphanumeric() || ":/".contains(c));
    (is_scheme && is_place && is_clean).then(|| format!("{scheme}{place}{path}"))
}

#[cfg(test)]
mod tests;
