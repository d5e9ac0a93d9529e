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
    among(&text).map_err(|fault| format!("{}: is not a Cargo.lock; {fault}", path.display()))
}

/// As [`twice`], of the text of such a file.
pub(crate) fn among(text: &str) -> Result<Vec<Twice>, &'static str> {
    let table: toml::Table = text.parse().map_err(|_| "it is not TOML")?;
    let packages = table.get("package").and_then(toml::Value::as_array).ok_or("it has no packages")?;
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

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::{prelude::*, sample::select};

    fn line() -> impl Strategy<Value = String> {
        prop_oneof![
            4 => Just("[[package]]".to_owned()),
            4 => select(&ONCE[..]).prop_map(|name| format!("name = \"{name}\"")),
            4 => "[0-3]\\.[0-3]".prop_map(|version| format!("version = \"{version}\"")),
            1 => "[ -~]{0,12}",
            1 => any::<String>(),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn no_text_panics_and_what_is_found_stands_there_more_than_once(lines in prop::collection::vec(line(), 0..20)) {
            let text = lines.join("\n");
            for Twice { name, versions } in among(&text).unwrap_or_default() {
                prop_assert!(ONCE.contains(&&*name) && versions.len() > 1, "{name} {versions:?}");
                prop_assert!(text.matches(&format!("\"{name}\"")).count() >= versions.len(), "{text}");
            }
        }
    }
}
