use super::*;
use proptest::prelude::*;

const LINE: &str = r#"1 2015-08-05T21:58:59.693Z 192.168.2.132 SecureAuth0 23108 ID52020 [SecureAuth@27389 UserHostAddress="192.168.2.132" Realm="SecureAuth0"] Found the user's profile"#;

/// 2026-11-22T08:00:00Z.
const NOW: u64 = 1_795_334_400_000_000_000;

fn read(syslog: &Syslog, text: &str) -> Result<Entry, String> {
    let mut entry = Entry { observed: NOW, ..Entry::of(text) };
    let outcome = SyslogParser::new(syslog).unwrap().apply(&mut entry);
    outcome.map(|()| entry).map_err(Fault::into_owned)
}

fn texts(pairs: &[(&str, &str)]) -> Map {
    pairs.iter().map(|(key, value)| (*key, Value::from(*value))).collect()
}

fn numbered(mut map: Map, pairs: &[(&str, i64)]) -> Map {
    map.merge(pairs.iter().map(|(key, value)| (*key, *value)).collect());
    map
}

/// What is expected of the line above.
fn modern_line(priority: Option<i64>) -> Map {
    let mut map = texts(&[
        ("hostname", "192.168.2.132"),
        ("appname", "SecureAuth0"),
        ("proc_id", "23108"),
        ("msg_id", "ID52020"),
        ("message", "Found the user's profile"),
    ]);
    let data = texts(&[("UserHostAddress", "192.168.2.132"), ("Realm", "SecureAuth0")]);
    map.insert("structured_data", Map::from([("SecureAuth@27389", data.into())]));
    map.insert("version", 1);
    priority
        .map_or(map.clone(), |priority| numbered(map, &[("priority", priority), ("facility", priority / 8)]))
}

// The examples of the Collector's parser.
#[test]
fn a_line_of_rfc_5424_is_read_with_its_structured_data() {
    let plain = Syslog::new(Protocol::Rfc5424);
    let skips = Syslog { allow_skip_pri_header: true, ..plain.clone() };
    let counts = Syslog { framing: Framing::Count, ..plain.clone() };
    let trails = Syslog { framing: Framing::Trailer(0), ..plain.clone() };
    let line = format!("<86>{LINE}");
    for (syslog, text, priority, severity) in [
        (&plain, line.clone(), Some(86), (9, "info")),
        (&skips, LINE.to_owned(), None, (0, "")),
        (&skips, format!("<123>{LINE}"), Some(123), (17, "err")),
        (&counts, format!("{} {line}", line.len()), Some(86), (9, "info")),
        (&trails, format!("{line}\0"), Some(86), (9, "info")),
    ] {
        let entry = read(syslog, &text).unwrap();
        assert_eq!(entry.attributes, modern_line(priority), "{text}");
        assert_eq!((entry.severity_number, &*entry.severity_text), severity);
        assert_eq!(entry.timestamp, Some(1_438_811_939_693_000_000));
        assert_eq!(entry.body, Value::from(text));
    }
}

// The examples of RFC 5424, section 6.5.
#[test]
fn the_examples_of_rfc_5424_are_read() {
    let plain = Syslog::new(Protocol::Rfc5424);
    let entry = read(
        &plain,
        "<34>1 2003-10-11T22:14:15.003Z mymachine.example.com su - ID47 - \u{feff}'su root' failed",
    )
    .unwrap();
    let host = |name: &str| ("hostname", name.to_owned());
    let (key, name) = host("mymachine.example.com");
    let expected =
        texts(&[(key, &name), ("appname", "su"), ("msg_id", "ID47"), ("message", "'su root' failed")]);
    assert_eq!(entry.attributes, numbered(expected, &[("priority", 34), ("facility", 4), ("version", 1)]));
    assert_eq!((entry.severity_number, &*entry.severity_text), (18, "crit"));

    let entry =
        read(&plain, "<165>1 2003-08-24T05:14:15.000003-07:00 192.0.2.1 myproc 8710 - - %% It's time")
            .unwrap();
    assert_eq!(entry.timestamp, Some(1_061_727_255_000_003_000));

    let entry = read(&plain, r#"<165>1 - - - - - [a@1 k="x\"\\\]\n"][b@2]"#).unwrap();
    let inner = Map::from([("a@1", texts(&[("k", r#"x"\]\n"#)]).into()), ("b@2", Map::new().into())]);
    let expected = Map::from([("structured_data", inner.into())]);
    assert_eq!(entry.attributes, numbered(expected, &[("priority", 165), ("facility", 20), ("version", 1)]));
    assert_eq!(entry.timestamp, None);
}

// The examples of the Collector's parser, and those of RFC 3164, section 5.4.
#[test]
fn a_line_of_rfc_3164_is_read_with_the_year_that_it_leaves_out() {
    let plain = Syslog::new(Protocol::Rfc3164);
    let detroit = Syslog { location: Some("America/Detroit".into()), ..plain.clone() };
    let skips = Syslog { allow_skip_pri_header: true, ..plain.clone() };
    let apache = [("hostname", "1.2.3.4"), ("appname", "apache_server"), ("message", "test message")];
    let january = 1_768_199_400_000_000_000;
    for (syslog, text, expected, priority, time) in [
        (&plain, "<34>Jan 12 06:30:00 1.2.3.4 apache_server: test message", &apache[..], Some(34), january),
        (
            &detroit,
            "<34>Jan 12 06:30:00 1.2.3.4 apache_server: test message",
            &apache,
            Some(34),
            january + 5 * 3_600_000_000_000,
        ),
        (&skips, "Jan 12 06:30:00 1.2.3.4 apache_server: test message", &apache, None, january),
        (
            &plain,
            "<13>Feb  5 17:32:18 10.0.0.99 Use the BFG!",
            &[("hostname", "10.0.0.99"), ("message", "Use the BFG!")],
            Some(13),
            1_770_312_738_000_000_000,
        ),
        (
            &plain,
            "<30>Dec 24 17:32:18 node sshd[4711]: closed",
            &[("hostname", "node"), ("appname", "sshd"), ("proc_id", "4711"), ("message", "closed")],
            Some(30),
            // More than a week ahead: that of last year.
            1_766_597_538_000_000_000,
        ),
    ] {
        let entry = read(syslog, text).unwrap();
        let numbers = priority.map(|priority| [("priority", priority), ("facility", priority / 8)]);
        assert_eq!(
            entry.attributes,
            numbered(texts(expected), numbers.as_ref().map_or(&[], |of| of)),
            "{text}"
        );
        assert_eq!(entry.timestamp, Some(time), "{text}");
    }
}

#[test]
fn what_is_no_line_of_syslog_stays_as_it_is_and_is_told() {
    for (protocol, text, fault) in [
        (Protocol::Rfc5424, "hello", "it begins with no priority as <34>"),
        (Protocol::Rfc5424, "<192>1 - - - - - -", "it begins with no priority as <34>"),
        (Protocol::Rfc5424, "<034>1 - - - - - -", "it begins with no priority as <34>"),
        (Protocol::Rfc5424, "<34>0 - - - - - -", "the version is no number from 1 to 999"),
        (Protocol::Rfc5424, "<34>1 2003-10-11 - - - - -", "the time is not as 2003-10-11T22:14:15.003Z"),
        (Protocol::Rfc5424, "<34>1 - host", "it has no name of a program"),
        (Protocol::Rfc5424, "<34>1 - - - - -", "it has no structured data; there has to be a -"),
        (Protocol::Rfc5424, "<34>1 - - - - - x", "the structured data is not as [id name=\"value\"]"),
        (Protocol::Rfc5424, "<34>1 - - - - - [a b=\"]", "the structured data is not as [id name=\"value\"]"),
        (Protocol::Rfc5424, "<34>1 - - - - - -x", "behind the structured data is no space"),
        (Protocol::Rfc3164, "<34>Jan 12 06:30", "it has no time as Oct 11 22:14:15"),
        (Protocol::Rfc3164, "<34>Foo 12 06:30:00 host", "the time is not written as the layout says"),
        (Protocol::Rfc3164, "<34>Jan 12 06:30:00host", "behind the time is no space"),
    ] {
        assert_eq!(read(&Syslog::new(protocol), text).unwrap_err(), fault, "{text}");
    }
    let counts = Syslog { framing: Framing::Count, ..Syslog::new(Protocol::Rfc5424) };
    assert_eq!(
        read(&counts, "99 <34>1 - - - - - -").unwrap_err(),
        "it does not begin with its length, or is shorter"
    );
    let fault = |syslog: Syslog| SyslogParser::new(&syslog).unwrap_err();
    assert_eq!(
        fault(Syslog { framing: Framing::Count, ..Syslog::new(Protocol::Rfc3164) }),
        "lines of rfc3164 have nothing around them; leave out what frames them"
    );
    let nowhere = Syslog { location: Some("Nowhere/None".into()), ..Syslog::new(Protocol::Rfc3164) };
    assert_eq!(fault(nowhere), r#""Nowhere/None" is no time zone of this machine"#);
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(
        text in r#"(<[0-9]{0,3}>)?(1 )?(- ){0,5}(\[a b="|\]|ä|[ -]|Jan 12 06:30:00 |[a:\\"\[]){0,8}"#,
        is_old: bool,
    ) {
        let protocol = if is_old { Protocol::Rfc3164 } else { Protocol::Rfc5424 };
        let _ = read(&Syslog::new(protocol), &text);
    }
}
