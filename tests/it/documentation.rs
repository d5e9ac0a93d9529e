//! README and tables tell the truth.

mod manual;

use opentelemetry::{
    Context,
    trace::{SpanContext, SpanId, TraceContextExt, TraceFlags, TraceId, TraceState},
};
use std::collections::BTreeSet;
use throughline::{
    config::{Log, LogFormat, env::COLLECT},
    log::{Keys, LogLayer},
};
use tracing_subscriber::prelude::*;

const README: &str = include_str!("../../README.md");
const FRONT_PAGE: &str = include_str!("../../src/lib.rs");
const LOGS: &str = include_str!("../../docs/logs.md");
const TESTING: &str = include_str!("../../docs/testing.md");
const DEPLOY: &str = include_str!("../../deploy/README.md");
const COMPATIBILITY: &str = include_str!("../../docs/compatibility.md");
const MANIFEST: &str = include_str!("../../Cargo.toml");
const LOCK: &str = include_str!("../../Cargo.lock");

/// The text between two marks, without them.
fn between<'a>(text: &'a str, start: &str, end: &str) -> &'a str {
    let rest = text.split_once(start).unwrap_or_else(|| panic!("no {start:?}")).1;
    rest.split_once(end).unwrap_or_else(|| panic!("no {end:?}")).0
}

#[test]
fn the_program_of_the_readme_is_the_example_and_the_front_page() {
    let example = include_str!("../../examples/hello.rs").split_once("\n\n").unwrap().1;
    assert_eq!(between(README, "```rust\n", "```"), example);
    let front_page: String = between(FRONT_PAGE, "//! ```no_run\n", "//! ```\n")
        .lines()
        .map(|line| format!("{}\n", line.trim_start_matches("//!").strip_prefix(' ').unwrap_or_default()))
        .collect();
    assert_eq!(front_page, example);
}

#[test]
fn the_test_file_of_the_page_is_one_that_runs() {
    assert_eq!(between(TESTING, "```rust,ignore\n", "```"), include_str!("testing/shop.rs"));
}

/// Each in its row, and none that is not there.
#[test]
fn every_fault_is_told() {
    let source = include_str!("../../src/testing/receiver/fault.rs");
    let variants = between(source, "pub enum Fault {\n", "\n}\n").lines().filter_map(|line| {
        let line = line.strip_prefix("    ")?;
        let name = line.starts_with(|c: char| c.is_ascii_uppercase());
        name.then(|| line.split(|c: char| !c.is_alphanumeric()).next().unwrap())
    });
    let told = TESTING.split("`Fault::").skip(1).map(|rest| rest.split('`').next().unwrap());
    assert_eq!(told.collect::<BTreeSet<_>>(), variants.collect());
}

#[test]
fn every_feature_is_told_and_no_other() {
    let features: BTreeSet<&str> = between(MANIFEST, "[features]\n", "\n\n")
        .lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| line.split(" = ").next())
        .filter(|name| *name != "default")
        .collect();
    let readme: BTreeSet<&str> =
        between(README, "| feature | default | what it adds |\n|---|---|---|\n", "\n\n")
            .lines()
            .map(|row| row.split('`').nth(1).unwrap())
            .collect();
    let front_page: BTreeSet<&str> = between(FRONT_PAGE, "//! # Features\n", "//!\n")
        .lines()
        .map(|row| row.split('`').nth(1).unwrap())
        .collect();
    assert_eq!(readme, features);
    assert_eq!(front_page, features);
}

#[test]
fn every_variable_of_the_documents_is_in_the_table() {
    let table = include_str!("../../src/config/variables.md");
    let forms = |name: &str| {
        ["TRACES", "METRICS", "LOGS"].into_iter().fold(name.to_owned(), |name, signal| {
            name.replace(&format!("OTLP_{signal}_"), "OTLP_[SIGNAL_]")
                .replace(&format!("OTEL_{signal}_EXPORTER"), "OTEL_{SIGNAL}_EXPORTER")
        })
    };
    let is_name = |word: &&str| word.starts_with("OTEL_") || word.starts_with("THROUGHLINE_");
    // Misspelt on purpose, and a family of variables, which is named by how it begins.
    let meant = ["OTEL_EXPORTER_OTLP_ENDPONT", "THROUGHLINE_VEIW", "`THROUGHLINE_LOG_`"];
    let pages = manual::pages().into_iter().map(|(_, text)| text);
    let text: String = pages.chain([README.into(), DEPLOY.into()]).collect();
    let text = meant.iter().fold(text, |text, name| text.replace(name, ""));
    let words = text.split(|c: char| !(c.is_ascii_uppercase() || c == '_')).filter(is_name);
    // `OTEL_INSTRUMENTATION_HTTP_…`: any of them.
    let is_whole = |word: &&str| !word.starts_with("THROUGHLINE_TEST") && !word.ends_with('_');
    let named: BTreeSet<&str> = words.filter(is_whole).collect();
    assert!(named.len() > 15, "{named:?}");
    for name in named {
        let known = [name.to_owned(), forms(name), name.replace("OTLP_", "OTLP_[SIGNAL_]")]
            .iter()
            .any(|form| table.contains(&format!("`{form}`")) || COLLECT.iter().any(|row| row.name == form));
        assert!(known, "{name} is not in the table of variables");
    }
}

/// Links to files of the project, and to headings in them, lead somewhere.
#[test]
fn every_link_of_the_documents_leads_somewhere() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let read = |path: &std::path::Path| std::fs::read_to_string(path).unwrap_or_default();
    let of_docs = std::fs::read_dir(root.join("docs")).unwrap().map(|file| file.unwrap().path());
    let mut documents: Vec<_> =
        of_docs.filter(|path| path.extension().is_some_and(|kind| kind == "md")).collect();
    documents.extend(
        ["README.md", "ARCHITECTURE.md", "CHANGELOG.md", "benches/README.md", "deploy/README.md"]
            .map(|name| root.join(name)),
    );
    let mut links = 0;
    for document in documents {
        let text = read(&document);
        let targets = text.split("](").skip(1).filter_map(|rest| rest.split(')').next());
        for target in targets.filter(|target| !target.contains("://")) {
            let (file, heading) = target.split_once('#').unwrap_or((target, ""));
            let there = if file.is_empty() { document.clone() } else { document.with_file_name(file) };
            let leads =
                heading.is_empty() || read(&there).lines().filter_map(anchor).any(|known| known == heading);
            assert!(there.exists() && leads, "{}: {target}", document.display());
            links += 1;
        }
    }
    assert!(links > 40, "{links}");
}

/// The anchor of a heading, as it is made for Markdown on the web: no punctuation, dashes for spaces.
fn anchor(line: &str) -> Option<String> {
    let heading = line.strip_prefix('#')?.trim_start_matches('#').trim().to_lowercase();
    let kept = heading.chars().filter(|c| c.is_alphanumeric() || " -_".contains(*c));
    Some(kept.map(|c| if c == ' ' { '-' } else { c }).collect())
}

#[test]
fn the_names_of_a_line_are_those_of_the_page() {
    // As `Debug` writes it: `Keys { timestamp: "timestamp", …`; the words for the severities stand in their row.
    let keys = format!("{:?}", Keys::default());
    let (before, rest) = keys.split_once("severities: [").unwrap();
    let fields = format!("{before}{}", rest.split_once("], ").unwrap().1);
    let fields: BTreeSet<(String, String)> = between(&fields, "Keys { ", " }")
        .split(", ")
        .filter_map(|pair| pair.split_once(": "))
        .map(|(field, name)| (field.to_owned(), name.trim_matches('"').to_owned()))
        .collect();
    let page: BTreeSet<(String, String)> =
        between(LOGS, "| field of `Keys` | default | holds |\n|---|---|---|\n", "\n\n")
            .lines()
            .map(|row| {
                let cells: Vec<&str> = row.split('|').map(|cell| cell.trim().trim_matches('`')).collect();
                (cells[1].to_owned(), cells[2].to_owned())
            })
            .collect();
    assert_eq!(page, fields);
}

#[test]
fn the_lines_of_the_pages_are_what_is_written() {
    let ids = SpanContext::new(
        TraceId::from_hex("4bf92f3577b34da6a3ce929d0e0e4736").unwrap(),
        SpanId::from_hex("00f067aa0ba902b7").unwrap(),
        TraceFlags::SAMPLED,
        true,
        TraceState::NONE,
    );
    for format in [LogFormat::Text, LogFormat::Json, LogFormat::Logfmt] {
        let written = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
        let lines = written.clone();
        let layer = LogLayer::new(&Log::new(format)).with_writer(move || Lines(lines.clone()));
        tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), || {
            let _active = Context::new().with_remote_span_context(ids.clone()).attach();
            let _span = tracing::info_span!("checkout", user = "ada").entered();
            tracing::info!(target: "cart", item = "tea", count = 2, "added");
        });
        let line = String::from_utf8(written.lock().unwrap().clone()).unwrap();
        let (start, rest) = line.split_once("20").unwrap();
        let line = format!("{start}2026-11-21T20:44:30.123456Z{}", rest.split_once('Z').unwrap().1);
        assert!(LOGS.contains(&line), "{line}");
        assert!(include_str!("../../src/log.rs").contains(&format!("//! {line}")), "{line}");
    }
}

struct Lines(std::sync::Arc<std::sync::Mutex<Vec<u8>>>);

impl std::io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Each crate by the version that is locked, so that a bump cannot forget the page.
#[test]
fn what_goes_with_what_is_what_is_locked() {
    let table = between(COMPATIBILITY, "| crate | line | where it matters |\n|---|---|---|\n", "\n\n");
    let rows: Vec<(&str, &str)> = table
        .lines()
        .map(|row| {
            let cells: Vec<&str> = row.split('|').map(str::trim).collect();
            (cells[1].trim_matches('`'), cells[2])
        })
        .collect();
    assert!(rows.len() > 10);
    for (name, line) in rows {
        let locked: Vec<&str> = LOCK
            .split("[[package]]\n")
            .filter_map(|package| package.strip_prefix(&format!("name = {name:?}\nversion = \"")))
            .map(|rest| rest.split('"').next().unwrap())
            .collect();
        let [locked] = &locked[..] else { panic!("{name} is there as {locked:?}") };
        match name {
            // The least that is asked for.
            "tokio" => assert!(MANIFEST.contains(&format!("tokio = {{ version = {line:?}"))),
            _ => assert!(locked.starts_with(&format!("{line}.")), "{name} {line} is {locked}"),
        }
    }
}

/// The pages and the measurements say the same.
#[test]
fn what_the_layers_cost_is_what_was_measured() {
    let comparison = include_str!("../../docs/comparison.md");
    let measured = include_str!("../../benches/README.md");
    for (kind, of) in
        [("sampled", "server, sampled: instructions over bare axum"), ("unsampled", "server, unsampled")]
    {
        let table = between(measured, &format!("| server, {kind} | records |"), "\n\n");
        let row = between(comparison, &format!("| {of} |"), "\n");
        for number in row.split('|').map(str::trim).filter(|cell| !cell.is_empty()) {
            let digits: String =
                number.split(' ').next().unwrap().chars().filter(char::is_ascii_digit).collect();
            assert!(table.contains(&format!("+{digits} |")), "{kind}: {number}");
        }
    }
}
