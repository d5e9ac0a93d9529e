//! Throws lines at operators: nothing panics, and what is not dropped comes out, once. How: see variables.rs.

#![no_main]

use throughline_collector::filelog::{
    entry::{Entry, Field},
    operator::{
        Boundary, Container, Csv, Framing, Header, LayoutType, Operator, Parse, Pipeline, Protocol, Quotes, Recombine,
        Severity, Syslog, Task, Timestamp, TraceContext,
    },
};

/// One that reads what there is to read in a line.
fn pipeline(choice: u8, pattern: &str) -> Option<Pipeline> {
    let field = |text: &str| text.parse::<Field>().unwrap();
    let mut parse = Parse::default();
    let mut timestamp = Timestamp::new(field("attributes.time"), "%Y-%m-%dT%H:%M:%S.%LZ");
    match choice & 3 {
        1 => (timestamp.layout_type, timestamp.layout) = (LayoutType::GoTime, pattern.to_owned()),
        2 => (timestamp.layout_type, timestamp.layout) = (LayoutType::Epoch, "s.ns".to_owned()),
        3 => timestamp.layout = pattern.to_owned(),
        _ => {}
    }
    timestamp.location = Some("UTC".to_owned());
    parse.timestamp = Some(timestamp);
    parse.severity = Some(Severity::new(field("attributes.level")));
    let mut trace = TraceContext::default();
    (trace.trace_id, trace.span_id) = (field("attributes.trace_id"), field("attributes.span_id"));
    parse.trace = Some(trace);
    let first = match choice >> 2 & 7 {
        0 => Task::Json { integers: choice & 64 != 0, parse },
        1 => Task::Regex { regex: pattern.to_owned(), cache: 2, parse },
        2 => Task::KeyValue { delimiter: "=".into(), pair_delimiter: pattern.to_owned(), parse },
        4 => {
            let mut csv = Csv::new(Header::Names("time,level,trace_id".into()));
            csv.quotes = [Quotes::Strict, Quotes::Lazy, Quotes::Letters][usize::from(choice >> 6) % 3];
            csv.delimiter = pattern.chars().next().unwrap_or(',');
            csv.parse = parse;
            Task::Csv(csv)
        }
        5 => {
            let protocol = if choice & 64 == 0 { Protocol::Rfc5424 } else { Protocol::Rfc3164 };
            let mut syslog = Syslog::new(protocol);
            syslog.framing = if choice & 128 == 0 { Framing::None } else { Framing::Count };
            syslog.allow_skip_pri_header = pattern.is_empty();
            syslog.parse = parse;
            Task::Syslog(syslog)
        }
        6 => Task::JsonArray { header: "time,level,trace_id".into(), parse },
        7 => Task::Uri { parse },
        _ => {
            let mut container = Container::default();
            (container.max_log_size, container.parse) = (64, parse);
            Task::Container(container)
        }
    };
    let mut operators = vec![Operator::from(first)];
    if choice & 192 == 192 {
        operators.push(Task::Unquote { field: Field::BODY }.into());
        operators.push(Task::Replace { field: Field::BODY, regex: Some(pattern.into()), with: "$1".into() }.into());
    }
    if choice & 32 != 0 {
        let boundary = Boundary::Last("body endsWith '.'".to_owned());
        operators.push(Task::Recombine(Recombine::new(boundary, Field::BODY)).into());
    }
    Pipeline::new(&operators).ok()
}

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let Some((choice, rest)) = data.split_first() else { return };
    let Ok(text) = str::from_utf8(rest) else { return };
    let mut lines = text.split('\n');
    let Some(mut pipeline) = pipeline(*choice, lines.next().unwrap_or_default()) else { return };
    let (mut read, mut came) = (0, Vec::new());
    for line in lines {
        read += 1;
        let mut entry = Entry::of(line);
        (entry.mark, entry.observed) = (read, read * 1_000_000_000);
        let path = "/var/log/pods/a_b_0-1/c/0.log";
        entry.attributes.insert("log.file.path", path);
        pipeline.run(entry, &mut |entry| came.push(entry.mark));
    }
    pipeline.flush(&mut |entry| came.push(entry.mark));
    assert_eq!(pipeline.oldest_mark(), None);
    assert!(came.iter().all(|mark| (1..=read).contains(mark)));
    // What is put together has the mark of its first part: none comes twice.
    let count = came.len();
    came.sort_unstable();
    came.dedup();
    assert_eq!(came.len(), count);
    let is_joining = choice & 32 != 0 || choice >> 2 & 7 == 3;
    assert!(is_joining || count as u64 == read);
});
