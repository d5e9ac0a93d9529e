//! Operators that read lines.

use super::parts::Reading;
use crate::{
    collector::filelog::operator::{Container, Csv, Format, Framing, Header, Protocol, Quotes, Syslog, Task},
    config::file::document::Node,
};

/// `None`: it is none of them; or something that is needed is not there, which is told.
pub(super) fn task(name: &str, of: &mut Reading<'_, '_>) -> Option<Option<Task>> {
    let text = |key: &str| of.node.get(key).and_then(Node::text).unwrap_or_default().to_owned();
    Some(match name {
        "regex_parser" => {
            let cache = of.node.path(&["cache", "size"]).and_then(Node::count).unwrap_or(0);
            of.text("regex").map(|regex| Task::Regex { regex, cache, parse: of.parse() })
        }
        "json_parser" => Some(Task::Json { integers: of.flag("parse_ints"), parse: of.parse() }),
        "json_array_parser" => Some(Task::JsonArray { header: text("header"), parse: of.parse() }),
        "key_value_parser" => {
            let delimiter = of.text("delimiter").unwrap_or_else(|| "=".to_owned());
            Some(Task::KeyValue { delimiter, pair_delimiter: text("pair_delimiter"), parse: of.parse() })
        }
        "csv_parser" => csv(of).map(Task::Csv),
        "syslog_parser" => syslog(of).map(Task::Syslog),
        "uri_parser" => Some(Task::Uri { parse: of.parse() }),
        "container" => Some(Task::Container(container(of))),
        _ => return None,
    })
}

fn container(of: &mut Reading<'_, '_>) -> Container {
    let mut container = Container::default();
    container.format = match of.node.get("format").and_then(Node::text) {
        Some("docker") => Some(Format::Docker),
        Some("crio") => Some(Format::Crio),
        Some("containerd") => Some(Format::Containerd),
        _ => None,
    };
    let adds = of.node.get("add_metadata_from_filepath").and_then(Node::boolean);
    container.add_metadata_from_filepath = adds.unwrap_or(container.add_metadata_from_filepath);
    container.max_log_size = of.size("max_log_size").unwrap_or(container.max_log_size);
    container.parse = of.parse();
    container
}

fn csv(of: &mut Reading<'_, '_>) -> Option<Csv> {
    let header = match (of.text("header"), of.text("header_attribute")) {
        (Some(names), None) => Header::Names(names),
        (None, Some(key)) => Header::Attribute(key),
        _ => {
            of.fault("needs one of header, header_attribute");
            return None;
        }
    };
    let mut csv = Csv::new(header);
    csv.header_delimiter = of.letter("header_delimiter");
    csv.delimiter = of.letter("delimiter").unwrap_or(csv.delimiter);
    csv.quotes = match (of.flag("lazy_quotes"), of.flag("ignore_quotes")) {
        (true, true) => {
            of.fault("has lazy_quotes and ignore_quotes; write one of them");
            return None;
        }
        (true, false) => Quotes::Lazy,
        (false, true) => Quotes::Letters,
        (false, false) => Quotes::Strict,
    };
    csv.parse = of.parse();
    Some(csv)
}

fn syslog(of: &mut Reading<'_, '_>) -> Option<Syslog> {
    let mut syslog = Syslog::new(match of.text("protocol")?.as_str() {
        "rfc3164" => Protocol::Rfc3164,
        _ => Protocol::Rfc5424,
    });
    syslog.location = of.text("location");
    syslog.allow_skip_pri_header = of.flag("allow_skip_pri_header");
    let trailer = of.text("non_transparent_framing_trailer");
    syslog.framing = match (of.flag("enable_octet_counting"), trailer.as_deref()) {
        (true, Some(_)) => {
            of.fault("has enable_octet_counting and non_transparent_framing_trailer; write one of them");
            return None;
        }
        (true, None) => Framing::Count,
        (false, Some("LF")) => Framing::Trailer(b'\n'),
        (false, Some(_)) => Framing::Trailer(0),
        (false, None) => Framing::None,
    };
    syslog.parse = of.parse();
    Some(syslog)
}
