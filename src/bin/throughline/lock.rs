//! Two versions of one OpenTelemetry crate in one program: what the one records, the other does not see.

use std::{collections::BTreeMap, fmt, fs, path::Path};

/// Crates that hold what is current in statics and thread-locals, or whose types must meet: each once in a program.
const ONCE: [&str; 7] = [
    "opentelemetry",
    "opentelemetry_sdk",
    "opentelemetry-proto",
    "tracing-opentelemetry",
    "tracing-core",
    "tracing-subscriber",
    "throughline-middleware",
];

/// One crate, and its versions: more than one.
#[derive(Debug, PartialEq)]
pub(crate) struct Twice {
    pub(crate) name: String,
    pub(crate) versions: Vec<String>,
}

impl fmt::Display for Twice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Twice { name, versions } = self;
        let first = versions.first().map_or("", String::as_str);
        write!(
            f,
            "{name} {}: what one of them records the others do not see; `cargo tree -i {name}@{first}` says who wants it",
            versions.join(" and ")
        )
    }
}

/// The crates of the file that are there more than once and must not be.
///
/// # Errors
/// If the file cannot be read, or is none of Cargo's.
pub(crate) fn twice(path: &Path) -> Result<Vec<Twice>, String> {
    let text = fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
    let table: toml::Table =
        text.parse().map_err(|_| format!("{}: is not a Cargo.lock; it is not TOML", path.display()))?;
    let packages = table.get("package").and_then(toml::Value::as_array);
    let packages =
        packages.ok_or_else(|| format!("{}: is not a Cargo.lock; it has no packages", path.display()))?;
    let mut versions: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for package in packages {
        let text = |key| package.get(key).and_then(toml::Value::as_str);
        if let (Some(name), Some(version)) = (text("name"), text("version")) {
            versions.entry(name).or_default().push(version.to_owned());
        }
    }
    let several = |name: &&str| versions.get(*name).filter(|versions| versions.len() > 1).cloned();
    Ok(ONCE
        .iter()
        .filter_map(|name| Some(Twice { name: (*name).into(), versions: several(name)? }))
        .collect())
}
