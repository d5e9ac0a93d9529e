//! The manual is whole: each page and module is in it, and what the pages show exists.

use super::README;
use crate::support::child::Process;
use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

const INDEX: &str = include_str!("../../../docs/README.md");
const FRONT_PAGE: &str = include_str!("../../../src/lib.rs");

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Each page below `docs/`, with its text.
pub(super) fn pages() -> Vec<(String, String)> {
    let files = fs::read_dir(root().join("docs")).unwrap().map(|file| file.unwrap().path());
    let pages = files.filter(|path| path.extension().is_some_and(|kind| kind == "md"));
    let named = |path: PathBuf| (path.file_name().unwrap().to_string_lossy().into_owned(), path);
    pages.map(named).map(|(name, path)| (name, fs::read_to_string(path).unwrap())).collect()
}

/// The blocks of a language in all documents that show something.
fn blocks(language: &str) -> Vec<(String, String)> {
    let mut documents = pages();
    documents.push(("README.md".into(), README.into()));
    let blocks = |(name, text): (String, String)| {
        let rest = text.split(&format!("```{language}\n")).skip(1).map(str::to_owned).collect::<Vec<_>>();
        rest.into_iter().map(move |rest| (name.clone(), rest.split("```").next().unwrap().to_owned()))
    };
    documents.into_iter().flat_map(blocks).collect()
}

/// Where the module behind an address of the reference is written: `None` if it is not there.
fn source(address: &str) -> Option<PathBuf> {
    let (package, module) = address.split_once("/latest/")?;
    let folder = match package {
        "throughline" => "src",
        "throughline-middleware" => "middleware/src",
        "throughline-sender" => "sender/src",
        "throughline-collector" => "collector/src",
        _ => return None,
    };
    let module = module.trim_end_matches('/').split_once('/').map_or("lib", |(_, module)| module);
    Some(root().join(folder).join(format!("{module}.rs"))).filter(|path| path.exists())
}

#[test]
fn every_page_and_every_module_of_the_front_page_is_in_the_manual() {
    let linked: BTreeSet<&str> = INDEX
        .split("](")
        .skip(1)
        .map(|rest| rest.split([')', '#']).next().unwrap())
        .filter(|target| !target.contains('/'))
        .collect();
    let pages = pages();
    let pages = pages.iter().map(|(name, _)| &**name).filter(|name| *name != "README.md");
    assert_eq!(linked, pages.collect());

    let references = INDEX.split("(https://docs.rs/").skip(1).map(|rest| rest.split(')').next().unwrap());
    let mut modules = BTreeSet::new();
    for address in references {
        let source = source(address).unwrap_or_else(|| panic!("{address} is no module"));
        let text = fs::read_to_string(&source).unwrap();
        assert!(text.lines().filter(|line| line.starts_with("//!")).count() > 4, "{address} tells nothing");
        modules.insert(source);
    }
    let public = FRONT_PAGE.lines().filter_map(|line| line.strip_prefix("pub mod ")?.split(';').next());
    for module in public {
        assert!(modules.contains(&root().join(format!("src/{module}.rs"))), "{module} is not in the manual");
    }
}

/// By a documentation test of the front page, or as a file that is compared and runs.
#[test]
fn all_rust_of_the_pages_is_compiled() {
    for (name, text) in pages() {
        let marks: BTreeSet<&str> =
            text.lines().filter_map(|line| line.trim().strip_prefix("```rust")).collect();
        assert!(name == "testing.md" || !marks.contains(",ignore"), "{name}");
        let compiled = FRONT_PAGE.contains(&format!("include_str!(\"../docs/{name}\")"));
        assert_eq!(compiled, !marks.is_empty(), "{name}");
    }
}

#[test]
fn every_example_that_is_named_exists_and_each_is_named() {
    let exists = |name: &str| {
        let examples = root().join("examples");
        examples.join(format!("{name}.rs")).exists() || examples.join(name).join("main.rs").exists()
    };
    let mut documents = pages();
    documents.push(("README.md".into(), README.into()));
    for (document, text) in &documents {
        let named = text.split("--example").skip(1).filter_map(|rest| rest.split_whitespace().next());
        for name in named.map(|name| name.trim_matches(|c: char| !c.is_alphanumeric() && c != '_')) {
            assert!(name == "NAME" || exists(name), "{document}: {name}");
        }
    }
    for file in fs::read_dir(root().join("examples")).unwrap() {
        let path = file.unwrap().path();
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        let is_example = path.extension().is_some() || path.join("main.rs").exists();
        let forms = [format!("`{name}`"), format!("--example {name}")];
        let is_named = documents.iter().any(|(_, text)| forms.iter().any(|form| text.contains(form)));
        assert!(!is_example || is_named, "{name}");
    }
}

/// The options of the program, as its help has them.
#[tokio::test]
async fn every_option_that_is_shown_is_one_of_the_program() {
    let mut shown = 0;
    for command in ["collect", "check", "view"] {
        let mut help = Process::start(env!("CARGO_BIN_EXE_throughline"), &[command, "--help"], &[]);
        assert!(help.ended().await.success());
        let known: BTreeSet<String> = help.lines().iter().flat_map(|line| options(line)).collect();
        for (document, text) in blocks("sh") {
            let joined = text.replace("\\\n", " ");
            let lines = joined.lines().filter(|line| line.contains(&format!("throughline {command}")));
            for option in lines.flat_map(|line| options(line.split('#').next().unwrap())) {
                assert!(known.contains(&option), "{document}: throughline {command} {option}");
                shown += 1;
            }
        }
    }
    assert!(shown > 10, "{shown}");
}

/// What is written as `--option` in a line.
fn options(line: &str) -> Vec<String> {
    let words = line.split(|c: char| c.is_whitespace() || "=,[]`".contains(c));
    words.filter(|word| word.starts_with("--") && word.len() > 2).map(str::to_owned).collect()
}

/// Of the compiler, of the peers that the tests install, of the images that are deployed.
#[test]
fn the_versions_of_the_pages_are_those_of_the_files() {
    let read = |path: &str| fs::read_to_string(root().join(path)).unwrap();
    let after = |text: &str, mark: &str| {
        let rest = text.split_once(mark).unwrap_or_else(|| panic!("no {mark:?}")).1.to_owned();
        rest.split(['"', '\n']).next().unwrap().to_owned()
    };
    let oldest = after(&read("Cargo.toml"), "rust-version = \"");
    assert!(README.contains(&format!("Rust {oldest} or later")), "{oldest}");

    let compatibility = read("docs/compatibility.md");
    let python = after(&read("tests/peers/requirements.txt"), "opentelemetry-sdk==");
    let node = after(&read("tests/peers/package.json"), "\"@opentelemetry/exporter-trace-otlp-grpc\": \"");
    let major = |image: &str| {
        let version = after(&read("deploy/compose/compose.yaml"), &format!("image: grafana/{image}:"));
        format!("{}{} {}", image[..1].to_uppercase(), &image[1..], version.split('.').next().unwrap())
    };
    for told in [
        format!("| SDKs of Python | {},", python.trim_end_matches(".*")),
        format!("| SDKs of Node | {node} "),
        format!("| {}, {}, {},", major("tempo"), major("loki"), major("grafana")),
    ] {
        assert!(compatibility.contains(&told), "{told}");
    }
}
