//! Log files: receivers `file_log` → what is read, and what becomes of it.

use super::{components::Component, extensions::Extensions, operators, printable};
use crate::{
    collector::filelog::{Encoding, Multiline, Options, StartAt},
    config::file::{
        amount,
        document::{Flaw, Node},
    },
};
use std::time::Duration;

/// The options of a receiver.
pub(super) fn options(
    component: &Component<'_>,
    extensions: &Extensions<'_>,
    flaws: &mut Vec<Flaw>,
) -> Options {
    let (node, before) = (component.node, flaws.len());
    let texts = |key: &str| -> Vec<String> {
        let members = node.get(key).map(Node::members).unwrap_or_default();
        members.iter().filter_map(Node::text).map(str::to_owned).collect()
    };
    let mut options = Options::of(texts("include"));
    options.name = component.name.to_owned();
    options.exclude = texts("exclude");
    options.exclude_older_than = node.get("exclude_older_than").and_then(amount::duration);
    if node.get("start_at").and_then(Node::text) == Some("beginning") {
        options.start_at = StartAt::Beginning;
    }
    let storage = node.get("storage");
    options.storage = extensions.directory(storage, &component.path("storage"), flaws);
    options.multiline = node.get("multiline").and_then(|node| multiline(component, node, flaws));
    options.encoding = match node.get("encoding").and_then(Node::text) {
        Some("nop") => Encoding::Nop,
        Some("utf-16le") => Encoding::Utf16Le,
        Some("utf-16be") => Encoding::Utf16Be,
        _ => Encoding::Utf8,
    };
    options.gzip = node.get("compression").and_then(Node::text).is_some_and(|word| !word.is_empty());
    options.attributes = operators::map(node.get("attributes"), &component.path("attributes"), flaws);
    options.resource = operators::map(node.get("resource"), &component.path("resource"), flaws);
    options.operators = operators::operators(node.get("operators"), &component.path("operators"), flaws);
    amounts(node, &mut options);
    flags(node, &mut options);
    // What is not there, or of the wrong type, was told.
    if flaws[before..].iter().all(|flaw| flaw.harmless)
        && !options.include.is_empty()
        && let Err(fault) = options.check()
    {
        flaws.push(Flaw::new(component.line, printable(&fault.to_string())));
    }
    options
}

fn amounts(node: &Node, options: &mut Options) {
    let size = |key, default| {
        let bytes = node.get(key).and_then(amount::bytes).and_then(|bytes| usize::try_from(bytes).ok());
        bytes.unwrap_or(default)
    };
    let time = |key, default: Duration| node.get(key).and_then(amount::duration).unwrap_or(default);
    options.fingerprint_size = size("fingerprint_size", options.fingerprint_size);
    options.max_log_size = size("max_log_size", options.max_log_size);
    options.poll_interval = time("poll_interval", options.poll_interval);
    options.force_flush_period = time("force_flush_period", options.force_flush_period);
    options.max_concurrent_files =
        node.get("max_concurrent_files").and_then(Node::count).unwrap_or(options.max_concurrent_files);
}

fn flags(node: &Node, options: &mut Options) {
    for (key, flag) in [
        ("include_file_name", &mut options.include_file_name),
        ("include_file_path", &mut options.include_file_path),
        ("include_file_name_resolved", &mut options.include_file_name_resolved),
        ("include_file_path_resolved", &mut options.include_file_path_resolved),
        ("preserve_leading_whitespaces", &mut options.preserve_leading_whitespaces),
        ("preserve_trailing_whitespaces", &mut options.preserve_trailing_whitespaces),
    ] {
        *flag = node.get(key).and_then(Node::boolean).unwrap_or(*flag);
    }
}

fn multiline(component: &Component<'_>, node: &Node, flaws: &mut Vec<Flaw>) -> Option<Multiline> {
    let text = |key| node.get(key).and_then(Node::text).map(str::to_owned);
    let omit = node.get("omit_pattern").and_then(Node::boolean).unwrap_or(false);
    let path = component.path("multiline");
    let multiline = match (text("line_start_pattern"), text("line_end_pattern")) {
        (Some(pattern), None) => Multiline::Start { pattern, omit },
        (None, Some(pattern)) => Multiline::End { pattern, omit },
        _ => {
            let fault = format!("{path} needs one of line_start_pattern, line_end_pattern");
            flaws.push(Flaw::new(node.line, fault));
            return None;
        }
    };
    match multiline.check() {
        Ok(()) => Some(multiline),
        Err(fault) => {
            flaws.push(Flaw::new(node.line, format!("{path}: {}", printable(&fault))));
            None
        }
    }
}
