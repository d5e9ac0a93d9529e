use super::{of, right, told};
use crate::collector::filelog::{
    entry::{Entry, Map, Value},
    operator::Pipeline,
};

/// 2026-11-22T08:00:00Z.
const NOW: u64 = 1_795_334_400_000_000_000;

fn file(operators: &str) -> String {
    format!(
        "receivers: {{file_log: {{include: [/a], operators: [{operators}]}}}}
exporters: {{debug: }}
service: {{pipelines: {{logs: {{receivers: [file_log], exporters: [debug]}}}}}}
"
    )
}

/// What these operators make of a line.
fn made(operators: &str, line: &str) -> Entry {
    let config = right(&file(operators));
    let (mut pipeline, mut made) = (Pipeline::new(&config.file_logs[0].operators).unwrap(), Vec::new());
    let mut entry = Entry::of(line);
    entry.observed = NOW;
    pipeline.run(entry, &mut |entry| made.push(entry));
    pipeline.flush(&mut |entry| made.push(entry));
    assert_eq!(made.len(), 1, "{operators}");
    made[0].observed = 0;
    made.remove(0)
}

fn texts(pairs: &[(&str, &str)]) -> Map {
    pairs.iter().map(|(key, value)| (*key, Value::from(*value))).collect()
}

fn text_of(entry: &Entry) -> String {
    let pair = |(key, value): (&str, &Value)| format!("{key}={value:?}");
    let mut pairs: Vec<String> = entry.attributes.iter().map(pair).collect();
    pairs.sort();
    pairs.join(" ")
}

// The documentation's examples.
#[test]
fn operators_of_a_file_do_what_they_say() {
    let message = || texts(&[("id", "1"), ("severity", "debug"), ("message", "Debug Message")]);
    for (operators, line) in [
        ("{type: csv_parser, header: 'id,severity,message'}", "1,debug,Debug Message"),
        (
            "{type: csv_parser, header: 'id,severity,message', delimiter: \"\\t\", header_delimiter: ','}",
            "1\tdebug\tDebug Message",
        ),
        (
            "{type: csv_parser, header: id|severity|message, delimiter: '|', lazy_quotes: true}",
            "1|debug|\"Debug Message\"",
        ),
        ("{type: csv_parser, header: 'id,severity,message', ignore_quotes: true}", "1,debug,Debug Message"),
        (
            "{type: add, field: attributes.Fields, value: 'id,severity,message'}, {type: csv_parser, header_attribute: Fields}, {type: remove, field: attributes.Fields}",
            "1,debug,Debug Message",
        ),
        ("{type: json_array_parser, header: 'id,severity,message'}", r#"["1","debug","Debug Message"]"#),
        (
            "{type: key_value_parser, delimiter: ':', pair_delimiter: '!'}",
            "id:1!severity:debug ! message:'Debug Message'",
        ),
        (
            "{type: json_array_parser, parse_to: attributes.list}, {type: assign_keys, field: attributes.list, keys: [id, severity, message]}, {type: flatten, field: attributes.list}",
            r#"["1","debug","Debug Message"]"#,
        ),
    ] {
        let entry = made(operators, line);
        assert_eq!((&entry.body, &entry.attributes), (&line.into(), &message()), "{operators}");
    }
    for (operators, line, body) in [
        ("{type: unquote, field: body}", r#""a\tb""#, "a\tb"),
        ("{type: sanitize_utf8}", "a", "a"),
        ("{type: regex_replace, field: body, regex: '{(.*?)}', replace_with: '<$${1}>'}", "{a}{b}", "<a><b>"),
        (
            "{type: regex_replace, field: body, regex_name: ansi_control_sequences}",
            "\x1b[31mred\x1b[0m",
            "red",
        ),
    ] {
        assert_eq!(made(operators, line), Entry::of(body), "{operators}");
    }
    let entry = made("{type: uri_parser}", "https://dev:pass@google.com/app?user_id=2");
    let query = Map::from([("user_id", Value::List(vec!["2".into()]))]);
    let mut expected =
        texts(&[("scheme", "https"), ("user", "dev"), ("host", "google.com"), ("path", "/app")]);
    expected.insert("query", query);
    assert_eq!(entry.attributes, expected);
}

#[test]
fn lines_of_syslog_are_read_as_the_file_says() {
    for (keys, line) in [
        ("protocol: rfc5424", "<34>1 2003-10-11T22:14:15.003Z host su 12 ID47 - it failed"),
        (
            "protocol: rfc5424, enable_octet_counting: true",
            "58 <34>1 2003-10-11T22:14:15.003Z host su 12 ID47 - it failed",
        ),
        (
            "protocol: rfc5424, non_transparent_framing_trailer: NUL",
            "<34>1 2003-10-11T22:14:15.003Z host su 12 ID47 - it failed\0",
        ),
    ] {
        let entry = made(&format!("{{type: syslog_parser, {keys}}}"), line);
        assert_eq!(
            text_of(&entry),
            r#"appname=Text("su") facility=Integer(4) hostname=Text("host") message=Text("it failed") msg_id=Text("ID47") priority=Integer(34) proc_id=Text("12") version=Integer(1)"#,
            "{keys}"
        );
        assert_eq!((entry.severity_number, entry.timestamp), (18, Some(1_065_910_455_003_000_000)));
    }
    let keys = "protocol: rfc3164, location: Europe/Paris, allow_skip_pri_header: true";
    let entry = made(&format!("{{type: syslog_parser, {keys}}}"), "Jan 12 06:30:00 host su[12]: it failed");
    assert_eq!(
        text_of(&entry),
        r#"appname=Text("su") hostname=Text("host") message=Text("it failed") proc_id=Text("12")"#
    );
    assert_eq!(entry.severity_number, 0);
}

// The documentation's examples.
#[test]
fn zones_and_severities_are_those_that_the_file_names() {
    let zones =
        "location: Asia/Kolkata, time_zone_locations: {PDT: America/Los_Angeles, NZST: Pacific/Auckland}";
    let time = format!("{{type: time_parser, parse_from: body, layout: '%a %b %d %H:%M:%S %Z %Y', {zones}}}");
    for (line, seconds) in [
        ("Wed Aug 27 15:08:58 IST 2025", 1_756_287_538),
        ("Wed Aug 20 14:08:48 PDT 2025", 1_755_724_128),
        ("Mon Jul 14 10:00:00 NZST 2025", 1_752_444_000),
    ] {
        assert_eq!(made(&time, line).timestamp, Some(seconds * 1_000_000_000), "{line}");
    }
    let severity = "{type: severity_parser, parse_from: body, mapping: {default: [info, quiet], info3: medium, fatal: [{min: 9001, max: 9050}, 5xx]}}";
    for (line, number) in [("INFO", 0), ("quiet", 0), ("medium", 11), ("9001", 21), ("503", 21), ("warn", 13)]
    {
        let entry = made(severity, line);
        assert_eq!((entry.severity_number, &*entry.severity_text), (number, line));
    }
}

#[test]
fn what_does_not_go_together_is_told() {
    let path = "line 1: receivers.file_log.operators[0]";
    for (operator, fault) in [
        ("{type: csv_parser}", " (csv_parser) needs one of header, header_attribute"),
        (
            "{type: csv_parser, header: a, header_attribute: b}",
            " (csv_parser) needs one of header, header_attribute",
        ),
        ("{type: csv_parser, header: a, delimiter: ab}", " (csv_parser).delimiter is not one letter"),
        (
            "{type: csv_parser, header: a, delimiter: '\"'}",
            ": a delimiter is neither a quote nor the end of a line",
        ),
        (
            "{type: csv_parser, header: a, lazy_quotes: true, ignore_quotes: true}",
            " (csv_parser) has lazy_quotes and ignore_quotes; write one of them",
        ),
        (
            "{type: json_array_parser}",
            ": a list cannot be all attributes; write parse_to: attributes.key, or a header with the names of the values",
        ),
        ("{type: syslog_parser}", " (syslog_parser) needs protocol"),
        (
            "{type: syslog_parser, protocol: rfc1}",
            " (syslog_parser).protocol is unknown; use rfc3164, rfc5424",
        ),
        (
            "{type: syslog_parser, protocol: rfc3164, enable_octet_counting: true}",
            ": lines of rfc3164 have nothing around them; leave out what frames them",
        ),
        (
            "{type: syslog_parser, protocol: rfc5424, enable_octet_counting: true, non_transparent_framing_trailer: LF}",
            " (syslog_parser) has enable_octet_counting and non_transparent_framing_trailer; write one of them",
        ),
        (
            "{type: syslog_parser, protocol: rfc3164, location: Nowhere}",
            r#": "Nowhere" is no time zone of this machine"#,
        ),
        ("{type: regex_replace, field: body}", " (regex_replace) needs one of regex, regex_name"),
        ("{type: assign_keys, field: body}", " (assign_keys) needs keys"),
    ] {
        assert_eq!(told(&of(&file(operator))), [format!("{path}{fault}")], "{operator}");
    }
}
