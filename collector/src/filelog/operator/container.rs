//! Lines of containers, as their runtimes write them.

use super::{Outcome, Parse, json::object, parse::Parser, recombine::Joiner};
use crate::filelog::{
    container::{Cri, Place, nanoseconds},
    entry::{Entry, Key, Map, Value},
};
use std::borrow::Cow;

/// How the lines of containers are read.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Container {
    /// Who wrote them. Default: each line tells.
    pub format: Option<Format>,
    /// Whether pod, namespace and container become attributes of the resource; they are read from the attribute
    /// `log.file.path`. Default: they do.
    pub add_metadata_from_filepath: bool,
    /// How large a line may get of which parts are put together, in bytes; 0: as large as it is. Default: 1 MiB.
    pub max_log_size: usize,
    /// From where, to where, and what else.
    pub parse: Parse,
}

impl Default for Container {
    fn default() -> Self {
        Container {
            format: None,
            add_metadata_from_filepath: true,
            max_log_size: 1024 * 1024,
            parse: Parse::default(),
        }
    }
}

/// Who writes the lines of containers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Docker.
    Docker,
    /// CRI-O.
    Crio,
    /// containerd.
    Containerd,
}

/// The attribute that tells the path of an entry's file.
const PATH: &str = "log.file.path";

/// A reader of containers' lines.
#[derive(Debug)]
pub(super) struct ContainerParser {
    format: Option<Format>,
    has_metadata: bool,
    parser: Parser,
    pub(super) joiner: Joiner,
    keys: Keys,
}

/// The keys of what is written, made once.
#[derive(Debug)]
struct Keys {
    stream: Key,
    tag: Key,
    pod: [Key; 5],
}

/// What was read from a line.
struct Line<'a> {
    time: Cow<'a, str>,
    stream: Cow<'a, str>,
    tag: Option<&'a str>,
    is_partial: bool,
    log: Cow<'a, str>,
    others: Map,
}

impl ContainerParser {
    pub(super) fn new(container: &Container) -> Result<Self, String> {
        let keys = Keys {
            stream: "log.iostream".into(),
            tag: "logtag".into(),
            pod: [
                "k8s.namespace.name",
                "k8s.pod.name",
                "k8s.pod.uid",
                "k8s.container.name",
                "k8s.container.restart_count",
            ]
            .map(Key::from),
        };
        Ok(ContainerParser {
            format: container.format,
            has_metadata: container.add_metadata_from_filepath,
            parser: Parser::new(&container.parse)?,
            joiner: Joiner::of_parts(container.max_log_size),
            keys,
        })
    }

    /// Reads a line, and tells whether it is whole, and what could not be done beside.
    pub(super) fn apply(&self, entry: &mut Entry) -> Result<(bool, Outcome), Cow<'static, str>> {
        let line = Line::of(self.parser.text(entry)?, self.format)?;
        let time = nanoseconds(&line.time).ok_or("the time of the line is none that can be sent")?;
        let mut map = line.others;
        map.insert(self.keys.stream.clone(), line.stream.into_owned());
        let is_whole = !line.is_partial;
        if let Some(tag) = line.tag {
            map.insert(self.keys.tag.clone(), tag);
        }
        let body = line.log.into_owned();
        entry.timestamp = Some(time);
        entry.body = body.into();
        let written = self.parser.write(entry, map);
        Ok((is_whole, self.metadata(entry).and(written)))
    }

    /// Whose parts belong together: those of a file and of a stream.
    pub(super) fn source(&self, entry: &Entry) -> String {
        let text = |key: &str| entry.attributes.value(key).and_then(Value::text).unwrap_or_default();
        [text(PATH), "\0", text(&self.keys.stream)].concat()
    }

    fn metadata(&self, entry: &mut Entry) -> Outcome {
        if !self.has_metadata {
            return Ok(());
        }
        let path = entry.attributes.value(PATH).and_then(Value::text);
        let path = path.ok_or(
            "there is no attribute log.file.path to read the pod from; set include_file_path: true, or \
             add_metadata_from_filepath: false",
        )?;
        let pod = Place::of(path).ok_or("the path in log.file.path is not one of a pod's logs")?;
        let values = [pod.namespace, pod.pod, pod.uid, pod.container, pod.restarts].map(Value::from);
        for (key, value) in self.keys.pod.iter().zip(values) {
            entry.resource.insert(key.clone(), value);
        }
        Ok(())
    }
}

impl<'a> Line<'a> {
    fn of(text: &'a str, format: Option<Format>) -> Result<Self, Cow<'static, str>> {
        match format {
            Some(Format::Docker) => Line::of_docker(text),
            None if text.starts_with('{') => Line::of_docker(text),
            format => {
                let line = Cri::of(text).filter(|line| match format {
                    Some(Format::Containerd) => line.time.ends_with('Z'),
                    Some(_) => !line.time.ends_with('Z'),
                    None => true,
                });
                let line = line.ok_or("it is no line of a container")?;
                Ok(Line {
                    time: line.time.into(),
                    stream: line.stream.into(),
                    tag: Some(line.tag),
                    is_partial: line.is_partial(),
                    log: line.text.into(),
                    others: Map::new(),
                })
            }
        }
    }

    /// A line of Docker ends with a line feed inside of its text (B-066).
    fn of_docker(text: &'a str) -> Result<Self, Cow<'static, str>> {
        let mut map = object(text, false)?;
        let mut text = |key: &'static str| match map.remove(key) {
            Some(Value::Text(text)) => Ok(text),
            _ => Err(Cow::from(format!("the line of Docker has no text {key:?}"))),
        };
        let (time, stream, mut log) = (text("time")?, text("stream")?, text("log")?);
        if log.ends_with('\n') {
            log.pop();
        }
        Ok(Line {
            time: time.into(),
            stream: stream.into(),
            tag: None,
            is_partial: false,
            log: log.into(),
            others: map,
        })
    }
}
