//! Lines of syslog, of RFC 5424 and of RFC 3164.

use super::{LayoutType, Outcome, Parse, Timestamp, parse::Parser, timestamp::Clock};
use crate::filelog::entry::{Entry, Field, Key, Map, Value};
use jiff::Timestamp as Instant;

/// How lines of syslog are read. Time and severity come from the line.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Syslog {
    /// How they are written.
    pub protocol: Protocol,
    /// The time zone of times that name none, those of [`Protocol::Rfc3164`]. Default: UTC.
    pub location: Option<String>,
    /// Whether a line may begin without its priority. Default: it may not.
    pub allow_skip_pri_header: bool,
    /// What stands around a line (RFC 6587). Default: nothing.
    pub framing: Framing,
    /// From where, to where, and what else.
    pub parse: Parse,
}

/// How lines of syslog are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// `<34>Oct 11 22:14:15 mymachine su[12]: it failed`.
    Rfc3164,
    /// `<34>1 2003-10-11T22:14:15.003Z mymachine su 12 ID47 - it failed`.
    Rfc5424,
}

/// What stands around a line of syslog.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Framing {
    /// Nothing.
    #[default]
    None,
    /// Its length before it.
    Count,
    /// This byte behind it.
    Trailer(u8),
}

impl Syslog {
    /// Lines that are written so.
    pub fn new(protocol: Protocol) -> Self {
        let (framing, parse) = (Framing::default(), Parse::default());
        Syslog { protocol, location: None, allow_skip_pri_header: false, framing, parse }
    }
}

/// The words of the severities, each with the number that it has in OpenTelemetry.
const SEVERITIES: [(&str, u8); 8] = [
    ("emerg", 21),
    ("alert", 19),
    ("crit", 18),
    ("err", 17),
    ("warning", 13),
    ("notice", 10),
    ("info", 9),
    ("debug", 5),
];

/// A time of RFC 3164, as Go writes its layout, and how many bytes it has.
const STAMP: &str = "Jan _2 15:04:05";

/// Why a line cannot be read.
type Fault = std::borrow::Cow<'static, str>;

/// A reader of lines.
#[derive(Debug)]
pub(super) struct SyslogParser {
    parser: Parser,
    protocol: Protocol,
    clock: Clock,
    allow_skip_pri_header: bool,
    framing: Framing,
}

/// What a line says.
#[derive(Debug, Default, PartialEq)]
struct Line<'t> {
    priority: Option<u8>,
    version: Option<i64>,
    time: Option<u64>,
    /// Hostname, appname, proc_id, msg_id, message; empty: not there.
    texts: [&'t str; 5],
    data: Map,
}

const NAMES: [&str; 5] = ["hostname", "appname", "proc_id", "msg_id", "message"];

impl SyslogParser {
    pub(super) fn new(syslog: &Syslog) -> Result<Self, String> {
        if syslog.framing != Framing::None && syslog.protocol == Protocol::Rfc3164 {
            return Err("lines of rfc3164 have nothing around them; leave out what frames them".to_owned());
        }
        let mut stamp = Timestamp::new(Field::BODY, STAMP);
        stamp.layout_type = LayoutType::GoTime;
        stamp.location = Some(syslog.location.clone().unwrap_or_else(|| "UTC".to_owned()));
        let Syslog { protocol, allow_skip_pri_header, framing, .. } = *syslog;
        let (parser, clock) = (Parser::new(&syslog.parse)?, Clock::new(&stamp)?);
        Ok(SyslogParser { parser, protocol, clock, allow_skip_pri_header, framing })
    }

    pub(super) fn apply(&self, entry: &mut Entry) -> Outcome {
        let text = framed(self.parser.text(entry)?, self.framing)?;
        let (priority, rest) = match priority(text) {
            Some((priority, rest)) => (Some(priority), rest),
            None if self.allow_skip_pri_header && !text.starts_with('<') => (None, text),
            None => return Err("it begins with no priority as <34>".into()),
        };
        let mut line = match self.protocol {
            Protocol::Rfc5424 => modern(rest)?,
            Protocol::Rfc3164 => self.old(rest, entry.observed)?,
        };
        line.priority = priority;
        let (time, map) = (line.time, line.map());
        if let Some((word, number)) = priority.and_then(|priority| SEVERITIES.get(usize::from(priority & 7)))
        {
            (entry.severity_number, entry.severity_text) = (*number, (*word).to_owned());
        }
        entry.timestamp = time.or(entry.timestamp);
        self.parser.write(entry, map)
    }

    /// `Oct 11 22:14:15 mymachine su[12]: it failed`, the last parts of which many leave out.
    fn old<'t>(&self, text: &'t str, now: u64) -> Result<Line<'t>, Fault> {
        let (stamp, rest) = text.split_at_checked(STAMP.len()).ok_or("it has no time as Oct 11 22:14:15")?;
        let time = Some(self.clock.nanoseconds(stamp, now)?);
        let rest = rest.strip_prefix(' ').ok_or("behind the time is no space")?;
        let (host, rest) = rest.split_once(' ').unwrap_or((rest, ""));
        let (name, process, message) = tagged(rest).unwrap_or(("", "", rest));
        Ok(Line { time, texts: [host, name, process, "", message], ..Line::default() })
    }
}

impl Line<'_> {
    fn map(self) -> Map {
        let mut pairs: Vec<(Key, Value)> = Vec::new();
        if let Some(priority) = self.priority {
            pairs.push(("priority".into(), Value::Integer(priority.into())));
            pairs.push(("facility".into(), Value::Integer((priority >> 3).into())));
        }
        if let Some(version) = self.version {
            pairs.push(("version".into(), Value::Integer(version)));
        }
        let texts = NAMES.into_iter().zip(self.texts).filter(|(_, text)| !text.is_empty());
        pairs.extend(texts.map(|(name, text)| (name.into(), text.into())));
        if !self.data.is_empty() {
            pairs.push(("structured_data".into(), self.data.into()));
        }
        Map::of_pairs(pairs)
    }
}

fn framed(text: &str, framing: Framing) -> Result<&str, &'static str> {
    match framing {
        Framing::None => Ok(text),
        Framing::Trailer(byte) => Ok(text.strip_suffix(char::from(byte)).unwrap_or(text)),
        Framing::Count => {
            let counted = text.split_once(' ').and_then(|(count, rest)| rest.get(..count.parse().ok()?));
            counted.ok_or("it does not begin with its length, or is shorter")
        }
    }
}

/// `<34>`, up to 191, and what is behind it.
fn priority(text: &str) -> Option<(u8, &str)> {
    let (digits, rest) = text.strip_prefix('<')?.split_once('>')?;
    let is_plain =
        digits.bytes().all(|byte| byte.is_ascii_digit()) && (digits == "0" || !digits.starts_with('0'));
    let number = digits.parse().ok().filter(|number| is_plain && *number <= 191)?;
    Some((number, rest))
}

/// `su[12]: it failed`: name, process, message.
fn tagged(text: &str) -> Option<(&str, &str, &str)> {
    let end = text.find([' ', ':', '[', ']']).filter(|end| *end > 0)?;
    let (name, rest) = text.split_at(end);
    let (process, rest) = match rest.strip_prefix('[') {
        Some(rest) => rest.split_once(']')?,
        None => ("", rest),
    };
    let message = rest.strip_prefix(':')?;
    Some((name, process, message.strip_prefix(' ').unwrap_or(message)))
}

/// `1 2003-10-11T22:14:15.003Z mymachine su 12 ID47 - it failed`; a hyphen is what is not there.
fn modern(text: &str) -> Result<Line<'_>, Fault> {
    let mut words = text.splitn(7, ' ');
    let mut word = |what: &'static str| words.next().filter(|word| !word.is_empty()).ok_or(what);
    let version = word("it has no version")?;
    let version = version.parse::<i64>().ok().filter(|version| (1..1000).contains(version));
    let version = Some(version.ok_or("the version is no number from 1 to 999")?);
    let time = match word("it has no time")? {
        "-" => None,
        time => Some(nanoseconds(time).ok_or("the time is not as 2003-10-11T22:14:15.003Z")?),
    };
    let mut text = |what| word(what).map(|word| if word == "-" { "" } else { word });
    let (host, name) = (text("it has no host")?, text("it has no name of a program")?);
    let (process, id) = (text("it has no process")?, text("it has no message id")?);
    let rest = words
        .next()
        .filter(|rest| !rest.is_empty())
        .ok_or("it has no structured data; there has to be a -")?;
    let (data, rest) = data(rest).ok_or("the structured data is not as [id name=\"value\"]")?;
    let message = match rest.strip_prefix(' ') {
        // The mark says that it is UTF-8, and is no part of it.
        Some(message) => message.strip_prefix('\u{feff}').unwrap_or(message),
        None if rest.is_empty() => "",
        None => return Err("behind the structured data is no space".into()),
    };
    Ok(Line { priority: None, version, time, texts: [host, name, process, id, message], data })
}

fn nanoseconds(time: &str) -> Option<u64> {
    let is_exact = time.contains('T') && !time.contains(' ');
    let instant = time.parse::<Instant>().ok().filter(|_| is_exact)?;
    u64::try_from(instant.as_nanosecond()).ok()
}

/// `-`, or `[id name="value"]` once or more; and what is behind.
fn data(text: &str) -> Option<(Map, &str)> {
    if let Some(rest) = text.strip_prefix('-') {
        return Some((Map::new(), rest));
    }
    let (mut elements, mut rest) = (Vec::new(), text);
    while let Some(behind) = rest.strip_prefix('[') {
        let end = behind.find([' ', ']']).filter(|end| *end > 0)?;
        let (id, mut inside) = behind.split_at(end);
        let mut values = Vec::new();
        rest = loop {
            if let Some(behind) = inside.strip_prefix(']') {
                break behind;
            }
            let (name, behind) =
                inside.trim_start_matches(' ').split_once("=\"").filter(|(name, _)| !name.is_empty())?;
            let (value, behind) = quoted(behind)?;
            values.push((name.into(), value.into()));
            inside = behind;
        };
        elements.push((id.into(), Map::of_pairs(values).into()));
    }
    (!elements.is_empty()).then(|| (Map::of_pairs(elements), rest))
}

/// What stands before the closing quote; before a quote, a bracket or a backslash a backslash is none.
fn quoted(text: &str) -> Option<(String, &str)> {
    let (mut value, mut letters) = (String::new(), text.chars());
    loop {
        match letters.next()? {
            '"' => return Some((value, letters.as_str())),
            ']' => return None,
            '\\' if letters.as_str().starts_with(['"', '\\', ']']) => value.extend(letters.next()),
            letter => value.push(letter),
        }
    }
}

#[cfg(test)]
mod tests;
